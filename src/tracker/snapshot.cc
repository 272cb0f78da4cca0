#include "tracker/snapshot.h"

#include <algorithm>
#include <tuple>

namespace murder::tracker {

uint32_t SwarmLine::done_count() const {
  const uint32_t there = counts.seeder_count - std::min(counts.seeder_count, counts.source_count);
  return std::max(there, counts.completed_count);
}

std::optional<uint32_t> SwarmLine::percent() const {
  const uint64_t hosts = host_count();
  if (hosts == 0) {
    return std::nullopt;
  }
  if (counts.leecher_count == 0) {
    return 100;
  }
  if (total_bytes == 0) {
    return std::nullopt;
  }
  const double all = static_cast<double>(total_bytes) * static_cast<double>(hosts);
  const double share = 1 - std::min(1.0, static_cast<double>(counts.left_bytes) / all);
  return std::min<uint32_t>(99, static_cast<uint32_t>(share * 100));
}

Snapshot take_snapshot(const PeerTable& table, Instant now, const SnapshotLimits& limits) {
  Snapshot snapshot;
  snapshot.now = now;
  snapshot.totals = table.totals();
  snapshot.swarm_count = table.swarm_count();
  snapshot.record_count = table.record_count();
  snapshot.table_bytes = table.memory_bytes();

  struct Key {
    bool is_done;
    bool is_empty;
    Duration age;  // zero when they are ordered by name
    std::string_view name;
    const InfoHash* info_hash;
    const Swarm* swarm;
  };
  std::vector<Key> keys;
  keys.reserve(table.swarm_count());
  table.each_swarm([&](const InfoHash& info_hash, const Swarm& swarm) {
    if (limits.only == nullptr || *limits.only == info_hash) {
      const bool is_by_age = limits.order == SwarmOrder::newest_first;
      keys.push_back({.is_done = swarm.counts().leecher_count == 0,
                      .is_empty = swarm.record_count() == 0,
                      .age = is_by_age ? now - swarm.made_at : Duration{},
                      .name = is_by_age ? std::string_view() : swarm.name,
                      .info_hash = &info_hash,
                      .swarm = &swarm});
    }
    return true;
  });
  const auto before = [](const Key& left, const Key& right) {
    return std::tie(left.is_done, left.is_empty, left.age, left.name, *left.info_hash) <
           std::tie(right.is_done, right.is_empty, right.age, right.name, *right.info_hash);
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
    snapshot.swarms.push_back(
        {.info_hash = *key.info_hash,
         .name = key.swarm->name,
         .counts = key.swarm->counts(),
         .total_bytes = key.swarm->total_bytes,
         .delivered_bytes = key.swarm->delivered_bytes(),
         .progress = key.swarm->progress(slowest_max, racks_max, now),
         .since_last_announce = now - key.swarm->last_announce,
         .elapsed = key.swarm->pace.elapsed(now),
         .rate_bytes_per_s = key.swarm->pace.rate(now),
         .remaining = key.swarm->pace.remaining(key.swarm->counts().left_bytes, now)});
    const SwarmProgress& progress = snapshot.swarms.back().progress;
    const size_t rows = progress.slowest.size() + progress.lost.size() + progress.racks.size();
    rows_left -= std::min(rows_left, static_cast<uint32_t>(rows));
  }
  return snapshot;
}

}  // namespace murder::tracker
