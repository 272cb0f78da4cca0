// Bounds of the trees that are packed and unpacked.
#pragma once

#include <cstdint>

namespace murder::limits {

inline constexpr uint32_t path_bytes_max = 16 * 1024;  // of an entry of a tree; below its root
inline constexpr uint32_t path_depth_max = 256;        // levels below the root

}  // namespace murder::limits
