#include "engine/hash/hash_lanes.h"

#include <array>

#include "engine/base/ensure.h"
#include "engine/hash/sha1_end.h"

namespace murder::hash {

void hash_lanes(const Sha1Kernel& kernel, std::span<const std::span<const uint8_t>> inputs,
                std::span<Sha1Digest> out) {
  ENSURE(inputs.size() == kernel.lanes && out.size() == kernel.lanes);
  std::array<Sha1State, sha1_lanes_max> states;
  states.fill(sha1_initial_state);
  std::array<const uint8_t*, sha1_lanes_max> places{};
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    places[lane] = inputs[lane].data();
  }
  kernel.advance(states.data(), places.data(), inputs[0].size() / sha1_block_bytes);
  std::array<std::array<uint8_t, 2 * sha1_block_bytes>, sha1_lanes_max> ends;
  size_t block_count = 0;
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    const size_t rest_bytes = inputs[lane].size() % sha1_block_bytes;
    const MessageEnd end(inputs[lane].last(rest_bytes), inputs[lane].size());
    ends[lane] = end.bytes;
    block_count = end.block_count;
    places[lane] = ends[lane].data();
  }
  kernel.advance(states.data(), places.data(), block_count);
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    out[lane] = digest_of(states[lane]);
  }
}

}  // namespace murder::hash
