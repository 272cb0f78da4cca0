// How long ahead of its end doctor warns of something that expires.
#pragma once

#include <cstdint>

namespace murder::cli {

inline constexpr int64_t expiry_day_s = 86'400;
inline constexpr int64_t expiry_warned_before_s = 30 * expiry_day_s;

}  // namespace murder::cli
