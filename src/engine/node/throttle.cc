#include "engine/node/throttle.h"

#include <utility>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"

namespace murder::node {

Throttle::Throttle(io::Reactor& reactor, uint64_t bytes_per_second, LinkList list, Target target)
    : reactor_(reactor),
      limit_(bytes_per_second),
      portion_bytes_(limit_.portion_bytes(limits::block_bytes_stock)),
      list_(list),
      target_(target),
      timer_(reactor.timers(), callback<&Throttle::resume>(this)) {
  ENSURE(portion_bytes_ > 0);
}

bool Throttle::passes_now(PeerLink& link) {
  if (limit_.passes_at() <= reactor_.now()) {
    return true;
  }
  if (enlist(waiting_, link, list_)) {
    timer_.arm(limit_.passes_at());
  }
  return false;
}

void Throttle::resume(io::Timer&) {
  resuming_.clear();
  std::swap(waiting_, resuming_);
  for (PeerLink* link : resuming_) {
    unlist(*link, list_);
    target_(*link);
  }
}

}  // namespace murder::node
