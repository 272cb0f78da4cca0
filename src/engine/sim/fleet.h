// The hosts of a simulation, the regions they are divided into, and what all of them together came
// to. Owned by the simulation; hosts stay where they are.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "engine/sim/host.h"
#include "engine/sim/options.h"
#include "engine/sim/region.h"

namespace murder::sim {

class Fleet {
 public:
  // The seeder, which has everything, and Options::host_count others, which have nothing. Draws who
  // is slow. The options outlive it.
  Fleet(const Options& options, Prng& prng);
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  // With what waits in the hosts' agendas.
  ~Fleet();

  [[nodiscard]] const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }
  [[nodiscard]] Host& host(uint32_t index) const { return *hosts_[index]; }
  [[nodiscard]] std::span<Region> regions() { return regions_; }
  [[nodiscard]] std::span<const Region> regions() const { return regions_; }
  [[nodiscard]] uint32_t region_of(uint32_t host) const { return host / hosts_per_region_; }
  [[nodiscard]] uint32_t rack_count() const { return rack_count_; }

  // --- sums over all regions ---
  [[nodiscard]] uint32_t done_count() const;
  [[nodiscard]] uint32_t unfinished_count() const;
  [[nodiscard]] uint64_t stored_count() const;  // pieces
  [[nodiscard]] Counters counters() const;
  [[nodiscard]] Instant progressed_at() const;  // the latest
  // Payload that came from outside, by rack.
  [[nodiscard]] std::vector<uint64_t> rack_bytes() const;
  // The first breach of a rule that a host noted; empty when none did.
  [[nodiscard]] const std::string& first_fault() const;

 private:
  void make_slow_hosts(Prng& prng);
  void make_racks();
  void make_regions();

  const Options& options_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<Region> regions_;
  uint32_t hosts_per_region_ = 1;
  uint32_t rack_count_ = 0;
};

// Regions that are worth a thread each: a small fleet is one.
[[nodiscard]] uint32_t region_count_for(const Options& options);

}  // namespace murder::sim
