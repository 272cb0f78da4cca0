#include "engine/hash/sha1_lanes.h"

#include <algorithm>
#include <cstdlib>

#include "engine/base/allocation.h"
#include "engine/base/ensure.h"
#include "engine/hash/sha1_end.h"

namespace murder::hash {

void Sha1Lanes::Free::operator()(uint8_t* memory) const {
  std::free(memory);
}

Sha1Lanes::Sha1Lanes(size_t buffer_bytes, const Sha1Choice& choice)
    : choice_(choice),
      buffer_bytes_(buffer_bytes),
      lanes_max_(lanes_of(choice)),
      streams_(lanes_max_) {
  ENSURE(buffer_bytes > 0 && buffer_bytes % buffer_alignment == 0);
  // A page more each: at distances of a power of two all would compete for the same lines of the
  // caches.
  const size_t stride = buffer_bytes_ + buffer_alignment;
  memory_.reset(static_cast<uint8_t*>(std::aligned_alloc(buffer_alignment, stride * lanes_max_)));
  require_memory(memory_ != nullptr);
}

std::span<uint8_t> Sha1Lanes::buffer(uint32_t lane) const {
  ENSURE(lane < lanes_max_);
  return {memory_.get() + lane * (buffer_bytes_ + buffer_alignment), buffer_bytes_};
}

void Sha1Lanes::start(uint32_t lane_count) {
  ENSURE(lane_count <= lanes_max_);
  for (uint32_t lane = 0; lane < lane_count_; ++lane) {
    static_cast<void>(streams_[lane].finish());  // of messages that were given up
  }
  lane_count_ = lane_count;
  message_bytes_ = 0;
  states_.fill(sha1_initial_state);
  rests_.fill({});
}

uint32_t Sha1Lanes::advance(const std::array<const uint8_t*, sha1_lanes_max>& places,
                            size_t block_count) {
  uint32_t at = 0;
  for (size_t index = 0; index < choice_.kernel_count; ++index) {
    const Sha1Kernel& kernel = choice_.kernels[index];
    while (lane_count_ - at >= kernel.lanes) {
      kernel.advance(&states_[at], &places[at], block_count);
      at += kernel.lanes;
    }
  }
  return at;
}

void Sha1Lanes::update(size_t bytes) {
  ENSURE(bytes <= buffer_bytes_);
  ENSURE(message_bytes_ % sha1_block_bytes == 0);
  std::array<const uint8_t*, sha1_lanes_max> places{};
  for (uint32_t lane = 0; lane < lane_count_; ++lane) {
    places[lane] = buffer(lane).data();
  }
  const size_t rest_bytes = bytes % sha1_block_bytes;
  const uint32_t advanced = advance(places, bytes / sha1_block_bytes);
  for (uint32_t lane = 0; lane < lane_count_; ++lane) {
    const std::span<const uint8_t> part = buffer(lane).first(bytes);
    rests_[lane] = part.last(rest_bytes);
    if (lane >= advanced) {
      streams_[lane].update(part);
    }
  }
  message_bytes_ += bytes;
}

void Sha1Lanes::finish(std::span<Sha1Digest> out) {
  ENSURE(out.size() == lane_count_);
  std::array<std::array<uint8_t, 2 * sha1_block_bytes>, sha1_lanes_max> ends;
  std::array<const uint8_t*, sha1_lanes_max> places{};
  size_t block_count = 0;
  for (uint32_t lane = 0; lane < lane_count_; ++lane) {
    const MessageEnd end(rests_[lane], message_bytes_);
    ends[lane] = end.bytes;
    block_count = end.block_count;
    places[lane] = ends[lane].data();
  }
  const uint32_t advanced = advance(places, block_count);
  for (uint32_t lane = 0; lane < lane_count_; ++lane) {
    out[lane] = lane < advanced ? digest_of(states_[lane]) : streams_[lane].finish();
  }
  lane_count_ = 0;
}

}  // namespace murder::hash
