// The tracker of a simulation: the tracker's own table, which answers one announce after the other.
// Used between windows, by one thread.
#pragma once

#include <deque>
#include <memory>

#include "engine/base/prng.h"
#include "engine/sim/clock.h"
#include "engine/sim/fleet.h"
#include "engine/sim/options.h"
#include "engine/sim/post.h"
#include "engine/sim/region.h"
#include "tracker/peer_table.h"

namespace murder::sim {

class SimulatedTracker {
 public:
  // What it is given outlives it.
  SimulatedTracker(const Options& options, const Clock& clock, Prng prng);

  // When the first announce that is under way arrives.
  [[nodiscard]] Instant next_at() const {
    return announces_.empty() ? instant_never : announces_.front()->arrives;
  }
  // Answers what arrived in this window, then takes what the hosts said in it, which arrives later.
  void run(Fleet& fleet, Post& post);

  [[nodiscard]] uint64_t announce_count() const { return announce_count_; }

 private:
  void answer(std::unique_ptr<AnnounceTalk> talk, Post& post);

  const Options& options_;
  const Clock& clock_;
  tracker::PeerTable table_;
  Prng prng_;
  Instant free_at_{};
  std::deque<std::unique_ptr<AnnounceTalk>> announces_;  // under way, by the time they arrive
  uint64_t announce_count_ = 0;
};

}  // namespace murder::sim
