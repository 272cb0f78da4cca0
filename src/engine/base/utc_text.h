// The time of day as records and messages have it.
#pragma once

#include <string>

namespace murder {

// "2026-11-29T07:00:12Z"
[[nodiscard]] std::string utc_text_now();

}  // namespace murder
