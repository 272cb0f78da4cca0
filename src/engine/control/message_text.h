// The two whole messages of the control plane as JSON text. A member that is not known is skipped,
// so that an older agent gets on with a newer coordinator; what is missing, has another type or is
// out of bounds is an Error. Pure.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/control/messages.h"

namespace murder::control {

inline constexpr std::string_view report_type = "report";
inline constexpr std::string_view wanted_type = "wanted";

// {"type": "report", ...}; at most limits::control_agent_message_bytes_max. What is over a bound
// (texts, more releases than limits::control_ready_max) is cut.
[[nodiscard]] std::string text_of(const Report& report);
[[nodiscard]] Result<Report> parse_report(std::string_view text);
[[nodiscard]] Result<Report> report_of(const Json& json);

// {"type": "wanted", ...}; at most limits::control_coordinator_message_bytes_max.
[[nodiscard]] std::string text_of(const Wanted& wanted);
[[nodiscard]] Result<Wanted> parse_wanted(std::string_view text);
[[nodiscard]] Result<Wanted> wanted_of(const Json& json);

}  // namespace murder::control
