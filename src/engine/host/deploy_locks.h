// Which deploys are at work through this host: one at a time of an app (the directory of releases)
// and of a tag, whichever machine it was started from. A lock ends with its deploy, after its lease
// when that does not renew it, and with a reboot of this host. Pure.
//
// A mark is not a lock: it says that a deploy needs the tracker of this host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.h"

namespace murder::host {

struct DeployLock {
  std::string token;  // of the deploy
  std::string app;    // the directory that its releases are in
  std::string tag;
  std::string owner;     // "alice@laptop"
  std::string since;     // "2026-11-29T07:00:12Z"
  std::string why;       // "deploy of v42 to /srv/app"
  std::string origin;    // the process that deploys, as it and its machine know it
  std::string boot;      // of this host
  uint64_t until_s = 0;  // of the clock since that boot
  bool is_mark = false;
  bool is_coordinated = false;  // `murder coordinate` holds it, and hears soon of who takes over
  // Held by the deploy's agent on this host, whose coordinator is on another one: where that moves
  // to, and where it was lost, no other deploy begins meanwhile. It owns and needs nothing here.
  bool is_of_agent = false;
  // Taken over while its deploy may be at work: kept for a day so that this one hears of it,
  // however late. Owner, why, since and tag are those of who took over. It excludes nobody.
  bool is_replaced = false;
  // Nothing of it ran before the deploy, or before one that did not end what it had started: it is
  // to be ended with it.
  bool owns_tracker = false;
  bool owns_seeder = false;
  // Of the swarm, "murder-fleet-1-..."; empty: it has none of its own. A deploy takes over that of
  // a seeder that it takes over.
  std::string fleet_key;
  std::string seeder_key;  // of the seeder that runs, as far as it is known

  bool operator==(const DeployLock&) const = default;
};

using DeployLocks = std::vector<DeployLock>;

struct BootClock {
  std::string boot;
  uint64_t now_s = 0;
};

struct LockRequest {
  DeployLock lock;                    // `until_s`: how long
  bool tracker_runs = false;          // on this host now
  bool seeder_runs = false;           // of that tag
  bool is_renewal = false;            // it is there unless somebody took it over
  bool drops_key = false;             // what the deploy serves has no key
  std::vector<std::string> replaced;  // tokens of deploys that are known to be gone
  std::vector<std::string> ousted;    // of deploys that may be at work, and are to end
};

enum class LockState : uint8_t { held, busy, lost };
[[nodiscard]] std::string lock_state_name(LockState state);

struct LockReply {
  LockState state = LockState::held;
  DeployLock lock;    // held: as it is now
  DeployLock holder;  // busy and lost: the other deploy
  // Tokens of deploys with a key whose locks went: they are over, or were taken over.
  std::vector<std::string> gone;
};

// Takes or renews a lock. Stale ones go, and what they own goes to this one.
[[nodiscard]] LockReply take_lock(DeployLocks& locks, const LockRequest& request,
                                  const BootClock& clock);

// Which other deploy of the app or the tag of `own` is at work, or has taken over; null: none.
[[nodiscard]] const DeployLock* other_at_work(const DeployLocks& locks, const DeployLock& own,
                                              const BootClock& clock);

struct Unlocked {
  bool was_held = false;
  // No other deploy needs it; else they own it from now on. What is left of the lock until
  // settle_tracker() excludes nobody: released again, or taken over, it says the same.
  bool ends_tracker = false;
};
[[nodiscard]] Unlocked release_lock(DeployLocks& locks, const std::string& token,
                                    const BootClock& clock);

// Of a deploy's agent, taken or renewed: not where another lock of the deploy is, or one that
// excludes it. Whether it is there.
[[nodiscard]] bool hold_for_agent(DeployLocks& locks, const DeployLock& lock,
                                  const BootClock& clock);
// Whether it was there.
[[nodiscard]] bool release_of_agent(DeployLocks& locks, const std::string& token);

// The tracker that listens is not the one that the deploy of the token was to end.
void disown_tracker(DeployLocks& locks, const std::string& token);

// The tracker that a deploy was to end has ended. Or it is needed: by one that was taken over and
// still runs, which ends it then.
enum class TrackerEnd : uint8_t { ended, needed };
void settle_tracker(DeployLocks& locks, const std::string& token, TrackerEnd end);

[[nodiscard]] Json json_of(const DeployLock& lock);
[[nodiscard]] Json json_of(const DeployLocks& locks);
// What cannot be understood is passed over: it would have been written by another build.
[[nodiscard]] DeployLocks locks_of(const Json& json);
[[nodiscard]] DeployLock lock_of(const Json& json);

}  // namespace murder::host
