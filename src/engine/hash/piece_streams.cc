#include "engine/hash/piece_streams.h"

#include <algorithm>

#include "engine/hash/sha1_end.h"

namespace murder::hash {

PieceStreams::PieceStreams(uint32_t stream_count, const Sha1Choice& choice)
    : choice_(choice), streams_(stream_count) {}

size_t PieceStreams::blocks_left(const Part& part) const {
  const size_t bytes = part.bytes.size() - hashed_bytes(part.stream);
  return part.is_whole || bytes >= step_bytes_min ? bytes / sha1_block_bytes : 0;
}

// As far as the one that has least.
void PieceStreams::step(const Sha1Kernel& kernel, std::span<const Part> parts) {
  std::array<Sha1State, sha1_lanes_max> states;
  std::array<const uint8_t*, sha1_lanes_max> places{};
  size_t block_count = SIZE_MAX;
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    const Stream& stream = streams_[parts[lane].stream];
    states[lane] = stream.state;
    places[lane] = parts[lane].bytes.data() + stream.hashed_bytes;
    block_count = std::min(block_count, blocks_left(parts[lane]));
  }
  kernel.advance(states.data(), places.data(), block_count);
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    Stream& stream = streams_[parts[lane].stream];
    stream.state = states[lane];
    stream.hashed_bytes += static_cast<uint32_t>(block_count * sha1_block_bytes);
  }
}

void PieceStreams::advance(std::span<Part> parts) {
  const auto kernels = std::span(choice_.kernels).first(choice_.kernel_count);
  for (;;) {
    const auto idle = std::partition(parts.begin(), parts.end(),
                                     [&](const Part& part) { return blocks_left(part) > 0; });
    parts = parts.first(static_cast<size_t>(idle - parts.begin()));
    const auto kernel = std::find_if(kernels.begin(), kernels.end(), [&](const Sha1Kernel& each) {
      return each.lanes <= parts.size();
    });
    if (kernel == kernels.end()) {
      break;
    }
    // Those with most left go together; in each step at least one of them comes to its end.
    std::sort(parts.begin(), parts.end(), [&](const Part& one, const Part& other) {
      return blocks_left(one) > blocks_left(other);
    });
    step(*kernel, parts);
  }
  for (const Part& part : parts) {
    if (part.is_whole) {
      step(choice_.single, {&part, 1});
    }
  }
}

Sha1Digest PieceStreams::finish(uint32_t stream, std::span<const uint8_t> bytes) {
  Stream& ended = streams_[stream];
  const std::span<const uint8_t> rest = bytes.subspan(ended.hashed_bytes);
  const MessageEnd end(rest, bytes.size());
  const uint8_t* place = end.bytes.data();
  choice_.single.advance(&ended.state, &place, end.block_count);
  const Sha1Digest digest = digest_of(ended.state);
  restart(stream);
  return digest;
}

}  // namespace murder::hash
