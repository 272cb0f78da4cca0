#include "engine/policy/hash_batching.h"

namespace murder::policy {

void HashBatching::piece_waits(Instant now) {
  if (last_whole_at_ != Instant{}) {
    interval_ = now - last_whole_at_;
  }
  last_whole_at_ = now;
  if (waits_since_ == instant_never) {
    waits_since_ = now;
  }
}

Instant HashBatching::hash_at(const Situation& situation, Instant now) const {
  const bool is_batch = situation.waiting >= lanes_;
  // The next piece is expected one interval after the last.
  const bool is_company_near = situation.receiving > 0 && situation.idle_buffers > 0 &&
                               interval_ <= wait_max;
  if (is_batch || !is_company_near || waits_since_ == instant_never) {
    return now;
  }
  return waits_since_ + wait_max;
}

}  // namespace murder::policy
