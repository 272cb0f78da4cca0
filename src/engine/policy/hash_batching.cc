#include "engine/policy/hash_batching.h"

#include <algorithm>

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

uint32_t HashBatching::batch_worth_waiting(const Situation& situation) const {
  if (wanted_) {
    return lanes_;
  }
  // Without an idle buffer the disk should have its next writes before it is done with the last.
  constexpr uint32_t tight_divisor = 4;
  return situation.idle_buffers > 0 ? lanes_best_ : std::max(lanes_, lanes_best_ / tight_divisor);
}

Instant HashBatching::hash_at(const Situation& situation, Instant now) const {
  const Duration longest = wanted_ ? wait_max : unwanted_wait_max;
  const bool is_batch = situation.waiting >= batch_worth_waiting(situation);
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
