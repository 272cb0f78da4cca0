#include "engine/sim/fleet.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/sim/clock.h"
#include "engine/sim/draws.h"

namespace murder::sim {

namespace {

constexpr uint32_t regions_max = 16;

}  // namespace

uint32_t region_count_for(const Options& options) {
  return std::clamp(options.host_count / options.region_hosts_min, 1U, regions_max);
}

Fleet::Fleet(const Options& options, Prng& prng) : options_(options) {
  hosts_.reserve(options_.host_count + 1);
  for (uint32_t index = 0; index <= options_.host_count; ++index) {
    hosts_.push_back(std::make_unique<Host>(options_, index, Prng(prng.next())));
    Host& host = *hosts_.back();
    host.stored = BitSet(options_.geometry.piece_count());
    host.hash_rate = options_.hash_rate;
    host.disk_rate = options_.disk_rate;
  }
  ENSURE(hosts_.size() == size_t{options_.host_count} + 1);
  hosts_[seeder_index]->stored.set_all();
  for (const auto& host : hosts_) {
    host->verified = host->stored;
  }
  make_slow_hosts(prng);
  make_racks();
  make_regions();
}

Fleet::~Fleet() {
  for (const auto& host : hosts_) {
    std::ranges::for_each(host->agenda.events(), drop);
  }
}

void Fleet::make_slow_hosts(Prng& prng) {
  Prng own(prng.next());
  const std::vector<uint32_t> slow = shuffled_hosts(options_.host_count, own);
  for (uint32_t count = 0; count < part_of(options_.slow_share, options_.host_count); ++count) {
    hosts_[slow[count]]->is_slow = true;
  }
  const std::vector<uint32_t> slow_disks = shuffled_hosts(options_.host_count, own);
  for (uint32_t count = 0; count < part_of(options_.slow_disk_share, options_.host_count);
       ++count) {
    hosts_[slow_disks[count]]->disk_rate *= options_.slow_disk_factor;
  }
}

void Fleet::make_racks() {
  ENSURE(options_.racks.empty() || options_.racks.size() == options_.host_count);
  for (uint32_t index = seeder_index + 1; index <= options_.host_count; ++index) {
    Host& host = *hosts_[index];
    if (!options_.racks.empty()) {
      host.rack = options_.racks[index - 1];
    } else if (options_.rack_size > 0) {
      host.rack = (index - 1) / options_.rack_size;
    }
    rack_count_ = host.rack == no_rack ? rack_count_ : std::max(rack_count_, host.rack + 1);
  }
}

void Fleet::make_regions() {
  const auto count = static_cast<uint32_t>(hosts_.size());
  hosts_per_region_ = (count + region_count_for(options_) - 1) / region_count_for(options_);
  regions_.resize((count + hosts_per_region_ - 1) / hosts_per_region_);
  for (uint32_t index = 0; index < regions_.size(); ++index) {
    Region& region = regions_[index];
    region.first_host = index * hosts_per_region_;
    region.end_host = std::min(count, region.first_host + hosts_per_region_);
    region.outbox.resize(regions_.size());
    region.progressed_at = run_start;
    for (uint32_t host = region.first_host; host < region.end_host; ++host) {
      hosts_[host]->region = &region;
    }
  }
}

// --- what became of it ---------------------------------------------------------------------------

uint32_t Fleet::done_count() const {
  uint32_t count = 0;
  for (const Region& region : regions_) {
    count += region.done_count;
  }
  return count;
}

uint32_t Fleet::unfinished_count() const {
  uint32_t count = 0;
  for (const Region& region : regions_) {
    count += region.unfinished_count;
  }
  return count;
}

uint64_t Fleet::stored_count() const {
  uint64_t count = 0;
  for (const Region& region : regions_) {
    count += region.stored_count;
  }
  return count;
}

Counters Fleet::counters() const {
  Counters sum;
  for (const Region& region : regions_) {
    sum += region.counters;
  }
  return sum;
}

Instant Fleet::progressed_at() const {
  Instant latest = run_start;
  for (const Region& region : regions_) {
    latest = std::max(latest, region.progressed_at);
  }
  return latest;
}

std::vector<uint64_t> Fleet::rack_bytes() const {
  std::vector<uint64_t> bytes(rack_count_, 0);
  for (const auto& host : hosts_) {
    if (host->rack != no_rack) {
      bytes[host->rack] += host->outside_bytes;
    }
  }
  return bytes;
}

const std::string& Fleet::first_fault() const {
  return std::ranges::min_element(regions_, {}, &Region::fault_at)->fault;
}

}  // namespace murder::sim
