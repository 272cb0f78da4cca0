#include "engine/sim/end_checks.h"

#include <fmt/format.h>

#include "engine/base/ensure.h"

namespace murder::sim {

namespace {

// Pieces that at least one living host has.
BitSet pieces_alive(const Fleet& fleet, const Options& options) {
  BitSet alive(options.geometry.piece_count());
  for (const auto& host : fleet.hosts()) {
    if (!host->is_alive() || host->has_left) {
      continue;
    }
    host->stored.for_each([&](uint32_t piece) { alive.set(piece); });
  }
  return alive;
}

void check_end_of(const Host& host, const BitSet& alive, const Fleet& fleet,
                  const Options& options) {
  ENSURE(host.swarm != nullptr);
  const swarm::SwarmStats& stats = host.swarm->stats();
  if (stats.downloaded_bytes != host.wanted_bytes || stats.wasted_bytes != host.unwanted_bytes) {
    host.note_fault(fmt::format("counts {} wanted and {} unwanted bytes, {} and {} came",
                                stats.downloaded_bytes, stats.wasted_bytes, host.wanted_bytes,
                                host.unwanted_bytes));
  }
  if (host.is_alive() && host.swarm->stored().count() != host.stored.count()) {
    host.note_fault("what it says to have is not what it has stored");
  }
  const bool is_whole = host.done_at != instant_never;
  if (is_whole != host.stored.all()) {
    host.note_fault("it was reported complete and is not, or the other way round");
  }
  if (is_whole && host.wanted_bytes < options.geometry.total_bytes) {
    host.note_fault("it is whole and fewer bytes came than the release has");
  }
  if (host.is_alive() && alive.has_any_outside(host.stored) && fleet.unfinished_count() > 0) {
    host.note_fault(fmt::format("has {} of {} pieces and gets no more", host.stored.count(),
                                host.stored.size()));
  }
}

}  // namespace

uint32_t check_end(const Fleet& fleet, const Options& options) {
  const BitSet alive = pieces_alive(fleet, options);
  for (const auto& host : fleet.hosts()) {
    if (host->swarm != nullptr && host->index != seeder_index) {
      check_end_of(*host, alive, fleet, options);
    }
  }
  return alive.size() - alive.count();
}

}  // namespace murder::sim
