// What the table tells of hosts that come, finish and fall silent.
#include <algorithm>

#include "tracker/peer_table.h"

namespace murder::tracker {

void PeerTable::set_bounds(uint32_t swarms_max, uint32_t peers_max) {
  options_.swarms_max = swarms_max;
  options_.peers_max = peers_max;
}

Swarm::SweepResult PeerTable::sweep_swarm(const InfoHash& info_hash, Swarm& swarm, Instant now,
                                          uint32_t budget) {
  const Swarm::SweepResult result = swarm.sweep(now, budget);
  record_count_ -= result.dropped_count;
  if (events_.is_kept() && result.lost_count > 0) {
    note_lost(info_hash, swarm, result.lost_count);
  }
  return result;
}

TrackerEvent PeerTable::event_of(TrackerEventKind kind, const InfoHash& info_hash,
                                 const Swarm& swarm) const {
  return {.kind = kind,
          .info_hash = info_hash,
          .release = swarm.name,
          .done_count = swarm.counts().completed_count,
          .fetch_count = swarm.counts().leecher_count,
          .lost_count = swarm.lost_peers().count()};
}

void PeerTable::note_host(TrackerEventKind kind, const Swarm& swarm, const Taken& taken) {
  if (!events_.is_kept()) {
    return;
  }
  TrackerEvent event = event_of(kind, taken.request.info_hash, swarm);
  if (const PeerRecord* const record = swarm.find_record(taken.address.endpoint)) {
    event.host = record->host;
    event.left_bytes = record->left_bytes;
  }
  event.endpoint = taken.address.endpoint;
  events_.add(std::move(event));
}

void PeerTable::note_lost(const InfoHash& info_hash, const Swarm& swarm, uint32_t lost_count) {
  const auto& lost = swarm.lost_peers().peers();
  const size_t count = std::min<size_t>(lost_count, lost.size());
  for (size_t index = lost.size() - count; index < lost.size(); ++index) {
    TrackerEvent event = event_of(TrackerEventKind::host_lost, info_hash, swarm);
    event.host = lost[index].host;
    event.endpoint = lost[index].endpoint;
    event.left_bytes = lost[index].left_bytes;
    events_.add(std::move(event));
  }
}

// Once for each time that the last host finished: later ones make it incomplete again.
void PeerTable::note_complete(const InfoHash& info_hash, Swarm& swarm) {
  const SwarmCounts& counts = swarm.counts();
  if (counts.leecher_count > 0 || counts.completed_count <= swarm.completed_told) {
    return;
  }
  swarm.completed_told = counts.completed_count;
  if (events_.is_kept()) {
    events_.add(event_of(TrackerEventKind::release_complete, info_hash, swarm));
  }
}

void PeerTable::note_refused(const Taken& taken) {
  events_.add_refused({.kind = TrackerEventKind::announce_refused,
                       .info_hash = taken.request.info_hash,
                       .endpoint = taken.address.endpoint},
                      taken.now);
}

}  // namespace murder::tracker
