#include "engine/hash/piece_hasher.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/hash/hash_lanes.h"

namespace murder::hash {

void PieceHasher::hash_batch(std::span<const std::span<const uint8_t>> inputs,
                             std::span<Sha1Digest> out) {
  ENSURE(inputs.size() == out.size());
  while (!inputs.empty()) {
    const size_t bytes = inputs.front().size();
    const auto end = std::find_if(inputs.begin(), inputs.end(),
                                  [bytes](const auto& input) { return input.size() != bytes; });
    const auto count = static_cast<size_t>(end - inputs.begin());
    hash_equals(inputs.first(count), out.first(count));
    inputs = inputs.subspan(count);
    out = out.subspan(count);
  }
}

void PieceHasher::hash_equals(std::span<const std::span<const uint8_t>> inputs,
                              std::span<Sha1Digest> out) {
  size_t at = 0;
  for (size_t index = 0; index < choice_.kernel_count; ++index) {
    const Sha1Kernel& kernel = choice_.kernels[index];
    while (inputs.size() - at >= kernel.lanes) {
      hash_lanes(kernel, inputs.subspan(at, kernel.lanes), out.subspan(at, kernel.lanes));
      at += kernel.lanes;
    }
  }
  for (; at < inputs.size(); ++at) {
    stream_.update(inputs[at]);
    out[at] = stream_.finish();
  }
}

}  // namespace murder::hash
