// Bounds of what `murder tracker` reads.
#pragma once

#include <cstdint>

namespace murder::limits {

// The file of `murder tracker --config`: 65,536 racks of some 60 bytes fit.
inline constexpr uint64_t tracker_config_bytes_max = 16 * 1024 * 1024;

}  // namespace murder::limits
