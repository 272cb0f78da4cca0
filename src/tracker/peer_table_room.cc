// What gives way when a table is full: the source that has the most of it.
#include <algorithm>
#include <cstring>
#include <tuple>

#include "tracker/bounds.h"
#include "tracker/peer_table.h"

namespace murder::tracker {

namespace {

// How often swarms are drawn before a newcomer is refused.
constexpr uint32_t swarm_rounds = 4;

// Announced again later than at its beginning: somebody stays with it.
bool is_settled(const Swarm& swarm) {
  return swarm.last_announce >= swarm.made_at + limits::announce_soonest;
}

}  // namespace

void PeerTable::note_largest_swarm() {
  const auto largest =
      std::max_element(swarms_.begin(), swarms_.end(), [](const auto& left, const auto& right) {
        return left.second.record_count() < right.second.record_count();
      });
  largest_swarm_ = largest == swarms_.end() ? InfoHash{} : largest->first;
}

// Swarms without peers go first. Others go when their source began more of them than the newcomer's
// (or when that is the same, and has begun many): such that nobody stayed with, of the source with
// the most, those of few peers, and the one that was announced longest ago.
bool PeerTable::make_room_for_swarm(SourceKey source, Prng& prng) {
  const uint32_t own_count = ledger_.holds(source).swarm_count;
  for (uint32_t round = 0; round < swarm_rounds; ++round) {
    InfoHash from;
    const uint64_t word = prng.next();
    std::memcpy(from.bytes.data(), &word, sizeof word);
    auto at = swarms_.lower_bound(from);
    auto chosen = swarms_.end();
    // The least goes.
    std::tuple<bool, bool, int64_t, uint32_t, Instant> least;
    const auto draws = std::min<size_t>(limits::eviction_draws, swarms_.size());
    for (size_t draw = 0; draw < draws; ++draw, ++at) {
      at = at == swarms_.end() ? swarms_.begin() : at;
      const Swarm& swarm = at->second;
      const uint32_t made_count = ledger_.holds(swarm.made_by).swarm_count;
      const bool is_empty = swarm.record_count() == 0;
      const bool is_too_much = swarm.made_by == source
                                   ? made_count >= limits::swarms_per_source_when_full
                                   : made_count > own_count + 1;
      if (!is_empty && !is_too_much) {
        continue;
      }
      const std::tuple rank{!is_empty, !is_empty && is_settled(swarm),
                            is_empty ? int64_t{0} : -int64_t{made_count}, swarm.record_count(),
                            swarm.last_announce};
      if (chosen == swarms_.end() || rank < least) {
        chosen = at;
        least = rank;
      }
    }
    if (chosen != swarms_.end()) {
      forget(chosen);
      return true;
    }
    if (draws == swarms_.size()) {
      break;
    }
  }
  return false;
}

bool PeerTable::make_room_for_record(SourceKey source, Prng& prng) {
  Swarm* swarm = find_mutable(largest_swarm_);
  if (swarm == nullptr || swarm->record_count() == 0) {
    note_largest_swarm();
    swarm = find_mutable(largest_swarm_);
  }
  if (swarm == nullptr || swarm->record_count() == 0) {
    return false;
  }
  const uint32_t own_count = ledger_.holds(source).record_count;
  Endpoint chosen;
  uint32_t most = own_count + 1;
  for (uint32_t draw = 0; draw < limits::eviction_draws; ++draw) {
    const PeerRecord& record = swarm->random_record(prng);
    const uint32_t count = ledger_.holds(record.source).record_count;
    if (count > most) {
      most = count;
      chosen = record.endpoint;
    }
  }
  if (most == own_count + 1) {
    return false;
  }
  swarm->drop_record(chosen);
  --record_count_;
  return true;
}

// One that takes all the room loses any of its own; what others announced for this swarm goes too,
// and comes again with their next announce.
bool PeerTable::make_room_for_hidden(Swarm& swarm, SourceKey source, Prng& prng) {
  if (ledger_.hidden_count() < limits::hidden_records_max &&
      ledger_.holds(source).hidden_count < limits::hidden_records_per_source) {
    return true;
  }
  const PeerRecord* const other = swarm.random_hidden_record(prng);
  if (other == nullptr) {
    return false;
  }
  swarm.drop_record(other->endpoint);
  --record_count_;
  return true;
}

}  // namespace murder::tracker
