#include "engine/archive/lane_buffers.h"

#include <doctest/doctest.h>

using murder::archive::LaneBuffers;

TEST_CASE("buffers are aligned for O_DIRECT and do not overlap") {
  const LaneBuffers buffers(16, 8192);
  const uint8_t* previous_end = nullptr;
  for (uint32_t lane = 0; lane < buffers.lane_count(); ++lane) {
    const std::span<uint8_t> buffer = buffers.at(lane);
    CHECK(reinterpret_cast<uintptr_t>(buffer.data()) % LaneBuffers::alignment == 0);
    CHECK(buffer.size() == buffers.buffer_bytes());
    CHECK(buffer.data() >= previous_end);
    previous_end = buffer.data() + buffer.size();
  }
}
