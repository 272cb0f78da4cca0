#include "engine/node/throttle.h"

#include <utility>

#include "engine/base/bounds.h"
#include "engine/node/peer_link.h"

namespace murder::node {

Throttle::Throttle(io::Reactor& reactor, uint64_t bytes_per_second, uint32_t listed_flag,
                   Target target)
    : reactor_(reactor),
      limit_(bytes_per_second),
      portion_bytes_(limit_.portion_bytes(limits::block_bytes_stock)),
      listed_flag_(listed_flag),
      target_(target),
      timer_(reactor.timers(), io::bind_timer<&Throttle::resume>(this)) {}

bool Throttle::passes_now(PeerLink& link) {
  if (limit_.passes_at() <= reactor_.now()) {
    return true;
  }
  if ((link.listed & listed_flag_) == 0) {
    link.listed |= listed_flag_;
    waiting_.push_back(&link);
    timer_.arm(limit_.passes_at());
  }
  return false;
}

void Throttle::resume(io::Timer&) {
  resuming_.clear();
  std::swap(waiting_, resuming_);
  for (PeerLink* link : resuming_) {
    link->listed &= ~listed_flag_;
    target_.resume(target_.owner, *link);
  }
}

}  // namespace murder::node
