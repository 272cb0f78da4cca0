// What a run came to, in figures.
#pragma once

#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/sim/simulation.h"

namespace murder::sim {

// Times are from the start of the first host that fetches. Where it does not say otherwise a figure
// is over the hosts that live and whose links are not slow.
struct Outcome {
  std::string fault;  // empty: all that must hold held, and every living host
                      // has everything
  uint32_t host_count = 0;
  uint32_t done_count = 0;
  uint32_t died_count = 0;
  uint32_t lost_count = 0;       // pieces that nobody has any more, who lives
  Duration floor{};              // Floor::plain
  Duration floor_of_this_run{};  // Floor::of_this_run
  Duration last{};
  Duration p99{};
  Duration p50{};
  double ratio = 0;      // last / floor
  Duration slow_last{};  // of the hosts with slow links; 0 without such
  double seeder_copies = 0;
  double rack_copies_max = 0;     // payload that came into a rack / size of the release
  double duplicate_fraction = 0;  // payload that came in vain / what came, of all hosts
  double messages_per_host = 0;
  double message_bytes_per_host = 0;
  Duration longest_wait{};           // that a host waited for its next piece
  std::vector<Duration> done_after;  // ascending, slow ones included
};

[[nodiscard]] Outcome outcome_of(const Simulation& simulation);

}  // namespace murder::sim
