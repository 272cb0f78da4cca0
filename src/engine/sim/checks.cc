// What must hold in every run, whatever goes wrong in it.
#include <fmt/format.h>

#include <algorithm>

#include "engine/sim/simulation.h"

namespace murder::sim {

void Simulation::note_fault(const Host& host, std::string_view what) {
  if (host.now < host.region->fault_at) {
    host.region->fault_at = host.now;
    host.region->fault = fmt::format(
        "at {:.6f} s host {}: {}", seconds_of(host.now - host.simulation.start_), host.index, what);
  }
}

void Simulation::find_fault() {
  const auto first = std::ranges::min_element(regions_, {}, &Region::fault_at);
  fault_ = fault_.empty() ? first->fault : fault_;
}

uint32_t Simulation::unfinished_count() const {
  uint32_t count = 0;
  for (const Region& region : regions_) {
    count += region.unfinished_count;
  }
  return count;
}

void Simulation::check_now(const Host& host) {
  host.region->events_unchecked = 0;
  if (host.swarm == nullptr || !host.is_alive()) {
    return;
  }
  const std::string_view broken = host.swarm->broken_invariant();
  if (!broken.empty()) {
    note_fault(host, broken);
  }
}

// Pieces that at least one living host has.
BitSet Simulation::pieces_alive() const {
  BitSet alive(options_.geometry.piece_count());
  for (const auto& host : hosts_) {
    if (!host->is_alive() || host->has_left) {
      continue;
    }
    host->stored.for_each([&](uint32_t piece) { alive.set(piece); });
  }
  return alive;
}

void Simulation::check_end() {
  const BitSet alive = pieces_alive();
  lost_count_ = alive.size() - alive.count();
  for (const auto& host : hosts_) {
    if (host->swarm != nullptr && host->index != seeder_index) {
      check_end_of(*host, alive);
    }
  }
  find_fault();
}

void Simulation::check_end_of(const Host& host, const BitSet& alive) {
  const swarm::SwarmStats& stats = host.swarm->stats();
  if (stats.downloaded_bytes != host.wanted_bytes || stats.wasted_bytes != host.unwanted_bytes) {
    note_fault(host, fmt::format("counts {} wanted and {} unwanted bytes, {} and {} came",
                                 stats.downloaded_bytes, stats.wasted_bytes, host.wanted_bytes,
                                 host.unwanted_bytes));
  }
  if (host.is_alive() && host.swarm->stored().count() != host.stored.count()) {
    note_fault(host, "what it says to have is not what it has stored");
  }
  const bool is_whole = host.done_at != instant_never;
  if (is_whole != host.stored.all()) {
    note_fault(host, "it is told to be complete and is not, or the other way round");
  }
  if (is_whole && host.wanted_bytes < options_.geometry.total_bytes) {
    note_fault(host, "it is whole and fewer bytes came than the release has");
  }
  if (host.is_alive() && alive.has_any_outside(host.stored) && unfinished_count() > 0) {
    note_fault(host, fmt::format("has {} of {} pieces and gets no more", host.stored.count(),
                                 host.stored.size()));
  }
}

}  // namespace murder::sim
