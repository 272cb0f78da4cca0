// Answers of the coordinator to operators: one JSON value, or {"error": TEXT}.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/http/handler.h"

namespace murder::coordinator {

inline constexpr std::string_view json_type = "application/json";

// `text` is JSON; a line end is added.
[[nodiscard]] http::Response json_answer(std::string text, int status = 200);
[[nodiscard]] http::Response json_error(int status, std::string_view text);
// With the status that fits.
[[nodiscard]] http::Response json_error(const Error& error);
// Another coordinator leads: 421, with where it is ("HOST:PORT"; empty: not known).
[[nodiscard]] http::Response json_leads_elsewhere(std::string_view leader);

}  // namespace murder::coordinator
