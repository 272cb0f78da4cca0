// What is simulated: a fleet, its network, and what goes wrong. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/bounds.h"
#include "engine/base/geometry.h"
#include "engine/base/instant.h"
#include "engine/swarm/swarm.h"

namespace murder::sim {

inline constexpr uint32_t no_rack = UINT32_MAX;

// All rates are bytes a second. Host 0 is the seeder; `host_count` others fetch.
struct Options {
  uint64_t seed = 1;  // the same seed gives the same run
  uint32_t host_count = 1000;
  swarm::SwarmPolicy policy = swarm::SwarmPolicy::grant;  // of all hosts
  Geometry geometry{.total_bytes = uint64_t{1} << 30U, .piece_bytes = 2U << 20U};

  // --- network ---
  double rate = 1.25e9;                               // of each host's link, both ways at once
  double seed_rate = 0;                               // of the seeder's; 0: as the others
  Duration latency = std::chrono::microseconds(200);  // one way, between any two hosts
  uint32_t rack_size = 0;  // hosts of a rack; 0: one network. The seeder has no rack
  // Of hosts 1, 2, ..: numbers from 0, or no_rack. Empty: by rack_size.
  std::vector<uint32_t> racks;
  double rack_uplink = 0;        // of each rack's link to the others, each way; 0: no bottleneck
  double rate_precision = 0.01;  // see FlowNetwork
  // What a connection has handed to its socket goes before what is said later.
  uint32_t socket_bytes = 256 * 1024;

  // --- hosts ---
  double hash_rate = 3.4e9;  // of one host, one piece after the other
  double disk_rate = 3.4e9;
  uint64_t piece_memory_bytes = limits::memory_bytes_default - 8 * 1024 * 1024;
  uint32_t block_bytes = limits::block_bytes_max;  // largest block asked for
  // Of the tracker, one after the other. 0: it answers at once.
  Duration announce_takes{};

  // --- what goes wrong ---
  Duration join_over{};   // hosts start evenly over this time, in random order
  double slow_share = 0;  // of the hosts, whose links have `slow_factor` times the rate
  double slow_factor = 0.1;
  double slow_disk_share = 0;
  double slow_disk_factor = 0.1;
  double die_share = 0;     // of the hosts: their process ends within the time of the floor
  double silent_share = 0;  // of those that die: their machine says nothing any more
  std::optional<double> seeder_leaves;  // after it has given this many copies
  uint32_t reset_count = 0;             // connections that break within the time of the floor

  // Hosts that a thread advances at a time, at least. Does not change the run.
  uint32_t region_hosts_min = 256;

  // --- checks ---
  uint32_t check_every = 0;  // events between two checks of a swarm's invariants; 0: none
  Duration stalled_after = std::chrono::minutes(3);  // the run ends when nothing was stored so long
  // A fault when a host whose link and disk are not slow waits longer for its next piece.
  Duration starved_after = Duration::max();
};

}  // namespace murder::sim
