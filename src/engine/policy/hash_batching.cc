#include "engine/policy/hash_batching.h"

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

Instant HashBatching::hash_at(const Situation& situation, Instant now) const {
  const Duration longest = wanted_ ? wait_max : unwanted_wait_max;
  const bool is_batch = situation.waiting >= (wanted_ ? lanes_ : lanes_best_);
  // The next piece is expected one interval after the last.
  // Where both ends share a processor, nothing may be on its way for a moment.
  const bool comes = situation.receiving > 0 || (!wanted_ && situation.missing > 0);
  const bool is_company_near = comes && situation.idle_buffers > 0 && interval_ <= longest;
  if (is_batch || !is_company_near || waits_since_ == instant_never) {
    return now;
  }
  return waits_since_ + longest;
}

}  // namespace murder::policy
