// Bounds of a node and its trackers.
#pragma once

#include <cstdint>

namespace murder::limits {

inline constexpr uint32_t announce_reply_bytes_max = 1024 * 1024;
inline constexpr uint32_t trackers_max = 16;

}  // namespace murder::limits
