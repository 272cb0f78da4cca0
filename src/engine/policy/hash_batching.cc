#include "engine/policy/hash_batching.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::policy {

void HashBatching::piece_waits(bool wanted, Instant now) {
  wanted_ = wanted;
  if (last_whole_at_ != Instant{}) {
    interval_ = now - last_whole_at_;
  }
  last_whole_at_ = now;
  if (waits_since_ == instant_never) {
    waits_since_ = now;
  }
}

// No more than the buffers can hold beside those that come or are written meanwhile.
uint32_t HashBatching::batch_worth_waiting(const Situation& situation) const {
  if (wanted_) {
    return lanes_;
  }
  if (situation.idle_buffers > 0) {
    return std::min(lanes_best_, situation.buffers - situation.buffers / 4);
  }
  // The disk should have its next writes before it is done with the last.
  return std::min(std::max(lanes_, lanes_best_ / 4), situation.buffers / 2);
}

Instant HashBatching::hash_at(const Situation& situation, Instant now) const {
  ENSURE(situation.idle_buffers <= situation.buffers);
  const Duration longest = wanted_ ? wait_max : unwanted_wait_max;
  const uint32_t batch = batch_worth_waiting(situation);
  const bool is_batch = batch < lanes_ || situation.waiting >= batch;
  // The next piece is expected one interval after the last.
  // Where both ends share a processor, nothing may be on its way for a moment.
  const bool comes = situation.receiving > 0 || (!wanted_ && situation.missing > 0);
  // Hashed alone a piece frees its buffer no sooner than those that are being written.
  const bool has_room = situation.idle_buffers > 0 || (!wanted_ && situation.storing > 0);
  const bool is_company_near = comes && has_room && interval_ <= longest;
  if (is_batch || !is_company_near || waits_since_ == instant_never) {
    return now;
  }
  return waits_since_ + longest;
}

}  // namespace murder::policy
