// What an agent keeps on its disk, as one line of JSON. Pure.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/control/agent_app.h"

namespace murder::control {

// At most limits::control_kept_bytes_max.
[[nodiscard]] std::string text_of(const KeptAgent& kept);
// A member that is not known is skipped: a later version, which went back to this one, wrote it.
[[nodiscard]] Result<KeptAgent> parse_kept(std::string_view text);

}  // namespace murder::control
