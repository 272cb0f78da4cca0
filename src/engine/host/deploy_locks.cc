#include "engine/host/deploy_locks.h"

#include <algorithm>

namespace murder::host {
namespace {

bool is_stale(const DeployLock& lock, const BootClock& clock) {
  return lock.boot != clock.boot || lock.until_s <= clock.now_s;
}

constexpr uint64_t replaced_kept_s = 24 * 3600;

bool excludes(const DeployLock& one, const DeployLock& other) {
  return !one.is_replaced && !other.is_replaced && !one.is_mark && !other.is_mark &&
         (one.app == other.app || one.tag == other.tag);
}

// What the deploy of `before` finds in place of its lock.
DeployLock replaced_by(const DeployLock& before, const DeployLock& lock, const BootClock& clock) {
  DeployLock left = lock;
  left.token = before.token;
  left.until_s = clock.now_s + replaced_kept_s;
  left.is_mark = before.is_mark;
  left.is_replaced = true;
  left.owns_tracker = false;
  left.owns_seeder = false;
  left.fleet_key.clear();
  left.seeder_key.clear();
  return left;
}

// For another deploy.
DeployLock without_keys(DeployLock lock) {
  lock.fleet_key.clear();
  lock.seeder_key.clear();
  return lock;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

std::string lock_state_name(LockState state) {
  return state == LockState::held ? "held" : state == LockState::busy ? "busy" : "lost";
}

LockReply take_lock(DeployLocks& locks, const LockRequest& request, const BootClock& clock) {
  DeployLock lock = request.lock;
  lock.boot = clock.boot;
  lock.until_s = clock.now_s + request.lock.until_s;
  lock.owns_tracker = !request.tracker_runs;
  lock.owns_seeder = !request.seeder_runs;
  const auto own = std::find_if(locks.begin(), locks.end(), [&lock](const DeployLock& other) {
    return other.token == lock.token;
  });
  const bool is_there = own != locks.end() && !own->is_of_agent;
  if (is_there && own->is_replaced && !is_stale(*own, clock)) {
    return {.state = LockState::lost, .holder = without_keys(*own)};
  }
  if (is_there) {
    lock.owns_tracker = own->owns_tracker;
    lock.owns_seeder = own->owns_seeder;
    lock.since = own->since;
    lock.seeder_key = own->seeder_key;
    lock.fleet_key = lock.fleet_key.empty() && !request.drops_key ? own->fleet_key : lock.fleet_key;
  }
  // Also another lock under our own token: a deploy has one.
  const auto goes = [&](const DeployLock& other) {
    return other.token == lock.token || is_stale(other, clock) ||
           contains(request.replaced, other.token) || contains(request.ousted, other.token);
  };
  for (const DeployLock& other : locks) {
    if (!goes(other) && excludes(lock, other)) {
      return {.state = request.is_renewal && !is_there ? LockState::lost : LockState::busy,
              .holder = without_keys(other)};
    }
  }
  for (const DeployLock& other : locks) {
    if (goes(other) && other.token != lock.token && other.boot == clock.boot) {
      lock.owns_tracker = lock.owns_tracker || other.owns_tracker;
      lock.owns_seeder = lock.owns_seeder || (other.owns_seeder && other.tag == lock.tag);
      if (request.seeder_runs && other.owns_seeder && other.tag == lock.tag) {
        lock.seeder_key = other.fleet_key;
        lock.fleet_key =
            lock.fleet_key.empty() || other.fleet_key.empty() ? lock.fleet_key : other.fleet_key;
      }
    }
  }
  DeployLocks left;
  LockReply reply{.lock = lock};
  for (const DeployLock& other : locks) {
    if (goes(other) && other.token != lock.token && !other.fleet_key.empty()) {
      reply.gone.push_back(other.token);
    }
    if (contains(request.ousted, other.token) && !is_stale(other, clock) && !other.is_of_agent) {
      left.push_back(replaced_by(other, lock, clock));
    }
  }
  std::erase_if(locks, goes);
  locks.push_back(lock);
  locks.insert(locks.end(), left.begin(), left.end());
  return reply;
}

const DeployLock* other_at_work(const DeployLocks& locks, const DeployLock& own,
                                const BootClock& clock) {
  const auto found = std::find_if(locks.begin(), locks.end(), [&](const DeployLock& other) {
    return !is_stale(other, clock) && !other.is_of_agent &&
           (other.token == own.token ? other.is_replaced : excludes(own, other));
  });
  return found == locks.end() ? nullptr : &*found;
}

Unlocked release_lock(DeployLocks& locks, const std::string& token, const BootClock& clock) {
  const auto own = std::find_if(locks.begin(), locks.end(),
                                [&token](const DeployLock& lock) { return lock.token == token; });
  if (own == locks.end()) {
    return {};
  }
  const bool owned_tracker = own->owns_tracker;
  const bool was_held = !own->is_replaced;
  own->until_s = 0;
  own->owns_seeder = false;
  own->fleet_key.clear();
  own->seeder_key.clear();
  bool is_needed = false;
  for (DeployLock& other : locks) {
    if (!is_stale(other, clock) && !other.is_replaced && !other.is_of_agent) {
      is_needed = true;
      other.owns_tracker = other.owns_tracker || owned_tracker;
    }
  }
  const bool ends_tracker = owned_tracker && !is_needed;
  std::erase_if(locks, [&](const DeployLock& other) {
    return other.token == token
               ? !ends_tracker
               : is_stale(other, clock) && !other.owns_tracker && !other.owns_seeder;
  });
  return {.was_held = was_held, .ends_tracker = ends_tracker};
}

bool hold_for_agent(DeployLocks& locks, const DeployLock& lock, const BootClock& clock) {
  const bool is_kept_out = std::any_of(locks.begin(), locks.end(), [&](const DeployLock& other) {
    return !is_stale(other, clock) &&
           (other.token == lock.token ? !other.is_of_agent : excludes(lock, other));
  });
  if (is_kept_out) {
    return false;
  }
  DeployLock held = lock;
  held.boot = clock.boot;
  held.until_s = clock.now_s + lock.until_s;
  held.is_of_agent = true;
  // What a coordinate that was killed has left under this token stays for `unlock`.
  std::erase_if(locks, [&](const DeployLock& other) {
    return other.token == lock.token && other.is_of_agent;
  });
  locks.push_back(std::move(held));
  return true;
}

bool release_of_agent(DeployLocks& locks, const std::string& token) {
  return std::erase_if(locks, [&](const DeployLock& lock) {
           return lock.token == token && lock.is_of_agent;
         }) > 0;
}

void disown_tracker(DeployLocks& locks, const std::string& token) {
  for (DeployLock& lock : locks) {
    lock.owns_tracker = lock.owns_tracker && lock.token != token;
  }
}

void settle_tracker(DeployLocks& locks, const std::string& token, TrackerEnd end) {
  // One that is held is of a deploy that has taken the token up again since.
  std::erase_if(
      locks, [&token](const DeployLock& lock) { return lock.token == token && lock.until_s == 0; });
  if (end == TrackerEnd::ended) {
    return;
  }
  const auto replaced = std::find_if(locks.begin(), locks.end(),
                                     [](const DeployLock& lock) { return lock.is_replaced; });
  if (replaced != locks.end()) {
    replaced->owns_tracker = true;
  }
}

Json json_of(const DeployLock& lock) {
  return {{"token", lock.token},
          {"app", lock.app},
          {"tag", lock.tag},
          {"owner", lock.owner},
          {"since", lock.since},
          {"why", lock.why},
          {"origin", lock.origin},
          {"boot", lock.boot},
          {"until_s", lock.until_s},
          {"is_mark", lock.is_mark},
          {"is_coordinated", lock.is_coordinated},
          {"is_of_agent", lock.is_of_agent},
          {"is_replaced", lock.is_replaced},
          {"owns_tracker", lock.owns_tracker},
          {"owns_seeder", lock.owns_seeder},
          {"fleet_key", lock.fleet_key},
          {"seeder_key", lock.seeder_key}};
}

Json json_of(const DeployLocks& locks) {
  Json list = Json::array();
  for (const DeployLock& lock : locks) {
    list.push_back(json_of(lock));
  }
  return list;
}

DeployLock lock_of(const Json& json) {
  return {.token = text_member(json, "token"),
          .app = text_member(json, "app"),
          .tag = text_member(json, "tag"),
          .owner = text_member(json, "owner"),
          .since = text_member(json, "since"),
          .why = text_member(json, "why"),
          .origin = text_member(json, "origin"),
          .boot = text_member(json, "boot"),
          .until_s = count_member(json, "until_s"),
          .is_mark = json["is_mark"] == true,
          .is_coordinated = json["is_coordinated"] == true,
          .is_of_agent = json["is_of_agent"] == true,
          .is_replaced = json["is_replaced"] == true,
          .owns_tracker = json["owns_tracker"] == true,
          .owns_seeder = json["owns_seeder"] == true,
          .fleet_key = text_member(json, "fleet_key"),
          .seeder_key = text_member(json, "seeder_key")};
}

DeployLocks locks_of(const Json& json) {
  DeployLocks locks;
  for (const Json& entry : json) {
    DeployLock lock = lock_of(entry);
    if (!lock.token.empty()) {
      locks.push_back(std::move(lock));
    }
  }
  return locks;
}

}  // namespace murder::host
