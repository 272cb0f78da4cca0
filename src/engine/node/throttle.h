// Keeps a shard's connections together to a rate, in one direction. One that must wait is resumed
// in turn, first come first served. Without a rate it costs a comparison.
//
// Lives on the shard's thread, which outlives it; bounded by the number of links.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/callback.h"
#include "engine/io/reactor.h"
#include "engine/node/link_work.h"
#include "engine/policy/rate_limit.h"

namespace murder::node {

class Throttle {
 public:
  // Called for each link that waited; it asks again.
  using Target = Callback<void(PeerLink&)>;

  // `list`: of those that a link stands in, this one.
  Throttle(io::Reactor& reactor, uint64_t bytes_per_second, LinkList list, Target target);

  // Whether something may pass now; if not, the link waits and is resumed.
  [[nodiscard]] bool may_pass(PeerLink& link) { return !limit_.is_set() || passes_now(link); }
  // What to take at a time.
  [[nodiscard]] uint64_t portion_bytes() const { return portion_bytes_; }
  void passed(uint64_t size_bytes) { limit_.take(size_bytes, reactor_.now()); }

 private:
  [[nodiscard]] bool passes_now(PeerLink& link);
  void resume(io::Timer& timer);

  io::Reactor& reactor_;
  policy::RateLimit limit_;
  uint64_t portion_bytes_;
  LinkList list_;
  Target target_;
  io::Timer timer_;
  std::vector<PeerLink*> waiting_;
  std::vector<PeerLink*> resuming_;
};

}  // namespace murder::node
