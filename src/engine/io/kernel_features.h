// What the running kernel gives beyond the floor (Linux 6.1), and the constants that liburing 2.3
// does not know yet.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace murder::io {

// Oldest kernel with all that the reactor needs: SINGLE_ISSUER, DEFER_TASKRUN, buffer rings.
inline constexpr uint32_t kernel_major_min = 6;
inline constexpr uint32_t kernel_minor_min = 1;

// From include/uapi/linux/io_uring.h of later kernels.
inline constexpr uint32_t feature_recvsend_bundle = 1U << 14U;  // Linux 6.10
inline constexpr uint32_t feature_min_timeout = 1U << 15U;      // Linux 6.12

struct KernelFeatures {
  uint32_t kernel_major = 0;
  uint32_t kernel_minor = 0;
  // Flags the ring was set up with; without them each completion costs an interrupt of the thread.
  bool single_issuer = false;
  bool defer_taskrun = false;
  bool coop_taskrun = false;
  // Operations.
  bool buffer_ring = false;
  bool accept_multishot = false;
  bool splice = false;
  bool sendmsg_zero_copy = false;
  bool message_ring = false;  // shards wake each other through the ring; else through an eventfd
  bool cqe_skip = false;
  bool wait_timeout = false;  // IORING_FEAT_EXT_ARG
  bool recvsend_bundle = false;
  bool min_timeout = false;

  [[nodiscard]] bool kernel_at_least(uint32_t major, uint32_t minor) const {
    return kernel_major != major ? kernel_major > major : kernel_minor >= minor;
  }
};

// Sets up a small ring as a reactor would, looks, and closes it. Errors: as Reactor::create().
[[nodiscard]] Result<KernelFeatures> probe_kernel_features();

// The error for an io_uring_setup that failed with this errno (positive): says why and what to do.
// `sysctl_value` is what /proc/sys/kernel/io_uring_disabled holds, empty when there is none.
[[nodiscard]] Error ring_setup_error(int error_number, const std::string& sysctl_value);

}  // namespace murder::io
