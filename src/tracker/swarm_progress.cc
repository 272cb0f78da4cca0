// How far a swarm is: what the tracker's pages tell of it.
#include <algorithm>
#include <string>
#include <tuple>

#include "tracker/swarm.h"

namespace murder::tracker {

SwarmProgress::Leecher Swarm::leecher_line_of(const PeerRecord& record) const {
  return {.host = record.host,
          .endpoint = record.endpoint,
          .left_bytes = record.left_bytes,
          .rack = std::string(racks_.name(record.seat.rack))};
}

std::vector<SwarmProgress::Rack> Swarm::rack_lines(uint32_t racks_max) const {
  std::vector<SwarmProgress::Rack> lines;
  if (racks_max == 0) {
    return lines;
  }
  for (uint32_t number = no_rack + 1; number < racks_.number_bound(); ++number) {
    const auto rack = static_cast<RackNumber>(number);
    if (racks_.members(rack).empty()) {
      continue;
    }
    SwarmProgress::Rack line{.name = std::string(racks_.name(rack))};
    for (const uint32_t reference : racks_.members(rack)) {
      const Place place = unpack(reference);
      const PeerRecord& record = groups_[place.group][place.position];
      ++(record.is_seeder() ? line.seeder_count : line.leecher_count);
      line.left_bytes += record.left_bytes;
    }
    lines.push_back(std::move(line));
  }
  const auto before = [](const SwarmProgress::Rack& left, const SwarmProgress::Rack& right) {
    return std::tie(right.left_bytes, left.name) < std::tie(left.left_bytes, right.name);
  };
  const size_t count = std::min<size_t>(lines.size(), racks_max);
  std::partial_sort(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count), lines.end(),
                    before);
  lines.resize(count);
  return lines;
}

// Those that are overdue, as they will be lost, and those that are.
void Swarm::list_lost(SwarmProgress& progress, uint32_t lost_max, Instant now) const {
  std::vector<LostPeer> lost(lost_.peers().begin(), lost_.peers().end());
  progress.lost_count = lost_.count();
  for (uint32_t group = 0; group < hidden_group; ++group) {
    for (const PeerRecord& record : groups_[group]) {
      if (record.is_overdue(now) && LostPeers::is_missed(record)) {
        ++progress.lost_count;
        lost.push_back(LostPeers::lost_line_of(record));
      }
    }
  }
  const auto last =
      lost.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(lost.size(), lost_max));
  std::partial_sort(lost.begin(), last, lost.end(),
                    [](const LostPeer& left, const LostPeer& right) {
                      return left.last_announce > right.last_announce;
                    });
  progress.lost.assign(lost.begin(), last);
}

SwarmProgress Swarm::progress(uint32_t slowest_max, uint32_t racks_max, Instant now) const {
  SwarmProgress progress;
  std::vector<const PeerRecord*> slowest;
  const auto is_slower = [](const PeerRecord* left, const PeerRecord* right) {
    return left->left_bytes > right->left_bytes;
  };
  for (uint32_t group = 0; group < hidden_group; group += 2) {  // those of leechers
    for (const PeerRecord& record : groups_[group]) {
      if (record.is_alias || record.is_overdue(now)) {
        continue;
      }
      ++progress.fetching_count;
      if (total_bytes > 0) {
        const uint64_t had_bytes = total_bytes - std::min(record.left_bytes, total_bytes);
        const size_t tenth = std::min<uint64_t>(had_bytes * 10 / total_bytes, 9);
        ++progress.leechers_by_tenth[tenth];
      }
      // A heap whose top is the fastest of the slowest.
      if (slowest.size() < slowest_max) {
        slowest.push_back(&record);
        std::push_heap(slowest.begin(), slowest.end(), is_slower);
      } else if (slowest_max > 0 && is_slower(&record, slowest.front())) {
        std::pop_heap(slowest.begin(), slowest.end(), is_slower);
        slowest.back() = &record;
        std::push_heap(slowest.begin(), slowest.end(), is_slower);
      }
    }
  }
  std::sort_heap(slowest.begin(), slowest.end(), is_slower);
  for (const PeerRecord* record : slowest) {
    progress.slowest.push_back(leecher_line_of(*record));
  }
  list_lost(progress, slowest_max, now);
  progress.rack_count = racks_.rack_count();
  progress.racks = rack_lines(racks_max);
  return progress;
}

}  // namespace murder::tracker
