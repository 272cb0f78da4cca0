#include "engine/sim/simulated_tracker.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/sim/addresses.h"
#include "tracker/bounds.h"

namespace murder::sim {

SimulatedTracker::SimulatedTracker(const Options& options, const Clock& clock, Prng prng)
    : options_(options),
      clock_(clock),
      table_({.peers_max = std::max(limits::tracker_peers_max, options.host_count + 1)}),
      prng_(prng) {}

void SimulatedTracker::run(Fleet& fleet, Post& post) {
  while (next_at() < clock_.horizon) {
    std::unique_ptr<AnnounceTalk> talk = std::move(announces_.front());
    announces_.pop_front();
    answer(std::move(talk), post);
  }
  const size_t known = announces_.size();
  for (Region& region : fleet.regions()) {
    std::ranges::move(region.announces, std::back_inserter(announces_));
    region.announces.clear();
  }
  std::stable_sort(
      announces_.begin() + static_cast<std::ptrdiff_t>(known), announces_.end(),
      [](const auto& left, const auto& right) { return left->arrives < right->arrives; });
}

void SimulatedTracker::answer(std::unique_ptr<AnnounceTalk> talk, Post& post) {
  ENSURE(talk != nullptr);
  ++announce_count_;
  free_at_ = std::max(free_at_, talk->arrives) + options_.announce_takes;
  table_.announce(talk->request, endpoint_of(talk->host).address, talk->arrives, prng_,
                  talk->reply);
  Event event;
  event.when = free_at_ + options_.latency;
  event.kind = EventKind::announce_heard;
  const uint32_t host = talk->host;
  event.carry(talk.release());
  post.deliver(host, event);
}

}  // namespace murder::sim
