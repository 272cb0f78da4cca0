// What `murder tune` and `murder doctor` want of a host for transfers at the speed of its link.
// Pure: facts in, changes out. Nothing that is better already is lowered, and every change has its
// reason and its source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/tune/facts.h"
#include "engine/base/instant.h"

namespace murder::cli::tune {

// A tracker holds a connection or two for each announcing host, a seeder some hundreds.
inline constexpr uint64_t open_files_wanted = 65536;
// What doctor wants of a session's RLIMIT_MEMLOCK, and of a service that does nothing but murder's
// work: eight times the rings of 64 shards.
inline constexpr uint64_t locked_bytes_wanted = 128ULL * 1024 * 1024;
inline constexpr uint64_t service_locked_bytes_wanted = 64ULL * 1024 * 1024;
// A fleet announces at once: the kernel drops what does not fit into these queues.
inline constexpr uint64_t backlog_wanted = 4096;
inline constexpr uint64_t local_ports_wanted = 16384;
inline constexpr uint64_t socket_buffer_least = 4ULL * 1024 * 1024;
inline constexpr std::string_view local_port_range_wanted = "16384 60999";
// Where nobody says otherwise: 10 Gbit/s, hosts of one site.
inline constexpr uint64_t bytes_per_second_assumed = 1'250'000'000;
inline constexpr Duration round_trip_assumed = std::chrono::milliseconds(1);
// From here on the hosts are on two sites, and BBR is worth its price.
inline constexpr Duration long_round_trip = std::chrono::milliseconds(5);

inline constexpr uint64_t frame_bytes = 1500;  // Ethernet's, without jumbo frames
inline constexpr std::string_view doc_ip = "Documentation/networking/ip-sysctl.rst";

inline constexpr std::string_view module_loaded = "loaded";
inline constexpr std::string_view module_absent = "absent";

// Where a change is made.
enum class Place : uint8_t {
  module,        // key: its name; "loaded" or "absent"
  sysctl,        // key: its name
  unit,          // key: UNIT/SETTING
  huge_pages,    // key: "enabled"
  receive_ring,  // key: the interface
  channels,      // key: the interface
  interrupt,     // key: its action
};

struct Change {
  Place place = Place::sysctl;
  std::string key;
  std::string now;
  std::string wanted;
  std::string why;
  std::string source;  // of the reason: documentation of the kernel, a manual page, an RFC

  [[nodiscard]] bool is_pending() const { return now != wanted; }
  [[nodiscard]] std::string what() const;  // for people: "receive ring of eth0"
};

struct Goal {
  std::optional<uint64_t> bytes_per_second;  // else the link's, else the assumed one
  Duration round_trip = round_trip_assumed;
  std::vector<std::string> skipped;  // keys and names of changes that are not wanted
};

struct Plan {
  std::vector<Change> changes;  // what is as wanted is in it as well; in the order of applying
  std::vector<std::string> notes;
  uint64_t bytes_per_second = 0;
  bool is_rate_assumed = false;

  [[nodiscard]] size_t pending_count() const;
};

[[nodiscard]] Plan make_plan(const Facts& facts, const Goal& goal);

// Twice the bandwidth x delay product in whole MiB, at least 4 MiB, at most what the memory bears.
[[nodiscard]] uint64_t socket_buffer_wanted(uint64_t bytes_per_second, Duration round_trip,
                                            uint64_t bytes_max);
// How large one buffer may grow: a quarter of where TCP of the whole host comes under pressure.
[[nodiscard]] uint64_t socket_buffer_ceiling(const Facts& facts);

// The sysctls that are looked at.
[[nodiscard]] std::vector<std::string> sysctl_names();

// Parts of make_plan.
void plan_sysctls(const Facts& facts, const Goal& goal, Plan& plan);
void plan_units(const Facts& facts, Plan& plan);
void plan_interface(const Facts& facts, Plan& plan);

}  // namespace murder::cli::tune
