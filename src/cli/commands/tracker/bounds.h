// Bounds of what `murder tracker` reads.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"

namespace murder::limits {

// The file of `murder tracker --config`: 65,536 racks of some 60 bytes fit.
inline constexpr uint64_t tracker_config_bytes_max = 16 * 1024 * 1024;

// A tracker that was the coordinator of a deploy ends when it was idle for so long after that.
inline constexpr Duration tracker_idle_after_deploy = std::chrono::seconds(3);

// A certificate with those behind it, or its key.
inline constexpr uint64_t certificate_file_bytes_max = 64 * 1024;
inline constexpr int64_t certificate_warning_days = 30;

}  // namespace murder::limits
