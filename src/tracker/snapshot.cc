#include "tracker/snapshot.h"

#include <algorithm>
#include <tuple>

namespace murder::tracker {

Snapshot take_snapshot(const PeerTable& table, Instant now, const SnapshotLimits& limits) {
  Snapshot snapshot;
  snapshot.totals = table.totals();
  snapshot.swarm_count = table.swarm_count();
  snapshot.record_count = table.record_count();
  snapshot.table_bytes = table.memory_bytes();

  struct Key {
    bool is_empty;
    const std::string* name;
    const InfoHash* info_hash;
    const Swarm* swarm;
  };
  std::vector<Key> keys;
  keys.reserve(table.swarm_count());
  table.each_swarm([&](const InfoHash& info_hash, const Swarm& swarm) {
    if (limits.only == nullptr || *limits.only == info_hash) {
      keys.push_back({swarm.record_count() == 0, &swarm.name, &info_hash, &swarm});
    }
    return true;
  });
  const auto before = [](const Key& left, const Key& right) {
    return std::tie(left.is_empty, *left.name, *left.info_hash) <
           std::tie(right.is_empty, *right.name, *right.info_hash);
  };
  const size_t count = std::min<size_t>(keys.size(), limits.lines_max);
  std::partial_sort(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(count), keys.end(),
                    before);
  snapshot.swarms.reserve(count);
  uint32_t rows_left = limits.rows_max;
  for (size_t index = 0; index < count; ++index) {
    const Key& key = keys[index];
    const uint32_t slowest_max = std::min(limits.slowest_max, rows_left);
    const uint32_t racks_max = std::min(limits.racks_max, rows_left - slowest_max);
    snapshot.swarms.push_back({.info_hash = *key.info_hash,
                               .name = *key.name,
                               .counts = key.swarm->counts(),
                               .total_bytes = key.swarm->total_bytes,
                               .delivered_bytes = key.swarm->delivered_bytes(),
                               .progress = key.swarm->progress(slowest_max, racks_max),
                               .since_last_announce = now - key.swarm->last_announce});
    const SwarmProgress& progress = snapshot.swarms.back().progress;
    rows_left -= static_cast<uint32_t>(progress.slowest.size() + progress.racks.size());
  }
  return snapshot;
}

}  // namespace murder::tracker
