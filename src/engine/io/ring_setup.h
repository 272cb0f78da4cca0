// Setting up an io_uring with the best flags the kernel takes. For the sources of this layer.
#pragma once

#include <liburing.h>

#include <cstdint>

#include "engine/base/result.h"
#include "engine/io/kernel_features.h"

namespace murder::io {

// Fills `ring`, which starts disabled (the thread that enables it is its only submitter). On an
// error the ring is not set up.
[[nodiscard]] Result<KernelFeatures> set_up_ring(io_uring& ring, uint32_t entries,
                                                 uint32_t completions);

}  // namespace murder::io
