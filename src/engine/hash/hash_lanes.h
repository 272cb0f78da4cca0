// Whole messages of one length through one kernel.
#pragma once

#include <span>

#include "engine/base/types.h"
#include "engine/hash/kernels/sha1_kernel.h"

namespace murder::hash {

// As many inputs of one length as the kernel has lanes, and room for as many digests.
void hash_lanes(const Sha1Kernel& kernel, std::span<const std::span<const uint8_t>> inputs,
                std::span<Sha1Digest> out);

}  // namespace murder::hash
