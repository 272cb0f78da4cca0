// What a deploy does with what it finds. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/fleet/plan/inventory.h"
#include "engine/base/instant.h"

namespace murder::fleet {

// --- Which host is tracker and seeder when nobody was named --------------------------------------

enum class Reach : uint8_t {
  unknown,  // not heard of yet
  ready,    // answered, and has this program
  lost,     // was not reached, or did not take the program
};

// The first of `order` that is ready. One before it that is unknown is waited for, unless
// `has_waited`: then it had its chance. None: nothing can be said yet.
[[nodiscard]] std::optional<HostIndex> choose_default_host(
    std::span<const HostIndex> order, const std::function<Reach(HostIndex)>& reach,
    bool has_waited);

// --- A seeder of that tag that runs already ------------------------------------------------------

struct SeederFound {
  bool runs = false;
  std::string info_hash;
  bool is_known_to_tracker = false;
  bool is_ours = false;        // an earlier deploy that is gone had started it
  bool has_other_key = false;  // than the swarm is to have
};

enum class SeederStep : uint8_t {
  start,
  adopt,    // it serves this release
  replace,  // it is ended first
  refuse,   // it is somebody else's
};

[[nodiscard]] SeederStep seeder_step(const SeederFound& found, std::string_view info_hash);

// --- Whether the deploy that holds a lock is gone ------------------------------------------------

// A process and where its number means something.
struct Origin {
  std::string machine;    // /etc/machine-id
  std::string boot;       // of that machine
  std::string pid_space;  // its pid namespace
  uint64_t pid = 0;
  uint64_t started = 0;  // of its process, in ticks since the boot

  bool operator==(const Origin&) const = default;
};

[[nodiscard]] std::string encode_origin(const Origin& origin);
[[nodiscard]] std::optional<Origin> decode_origin(std::string_view text);

// When the process of that number began; 0: there is none.
using StartOf = std::function<uint64_t(uint64_t pid)>;

// True only where that is certain: the machine is this one and was booted since, or the process is
// not there any more. Of other machines the lease tells.
[[nodiscard]] bool is_gone(const Origin& other, const Origin& self, const StartOf& start_of);

// --- Hosts beyond the quorum ---------------------------------------------------------------------

struct Laggard {
  bool is_reached = false;
  Instant moved_at{};  // its last byte, or phase, or the start
};

// Why a host is left once enough hosts have the release; empty: it is waited for.
[[nodiscard]] std::string reason_to_leave(const Laggard& host, Instant quorum_at,
                                          Instant started_at, Instant now);

inline constexpr Duration dead_host_wait = std::chrono::seconds(20);
// A host that was at work and is gone may be booting.
inline constexpr Duration reboot_wait = std::chrono::minutes(5);
inline constexpr Duration stall_beyond_quorum = std::chrono::seconds(20);

// --- When hosts are asked that do not all fit into --forks ---------------------------------------

struct AskState {
  bool tracker_answers = false;
  uint64_t seeders = 0;
  uint64_t leechers = 0;
  uint64_t pending = 0;  // hosts that may still fetch
  Duration still_for{};  // nothing was delivered
  Duration since_asked{};
};

[[nodiscard]] bool is_time_to_ask(const AskState& state);

}  // namespace murder::fleet
