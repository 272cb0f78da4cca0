// The locks of a deploy on the hosts of seeder and trackers (murder lock): taken before anything is
// changed there, renewed while it is at work, given back at its end. What an earlier deploy had
// started that is gone becomes this one's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/fleet/deploy_run.h"
#include "engine/base/json.h"
#include "engine/host/deploy_locks.h"

namespace murder::fleet {

struct LeasedHost {
  bool is_held = false;
  bool is_mark = false;
  host::DeployLock lock;  // as the host keeps it
  Json processes;         // of murder there, when the lock was taken
  bool has_tracker_role = false;
  bool tracker_started = false;  // with the lock, since none ran
  std::string tracker_trouble;   // why not
  bool key_taken = false;        // by the tracker there
  std::string key_trouble;       // why not
};

class DeployLease {
 public:
  explicit DeployLease(DeployRun& run);

  // Once for each host. `is_mark`: it excludes no other deploy. `with_tracker`: one is started if
  // none runs there.
  void ask(HostIndex host, bool is_mark, bool with_tracker);
  [[nodiscard]] bool is_asked(HostIndex host) const { return hosts_.contains(host.raw); }
  // Null: not yet, or not at all.
  [[nodiscard]] const LeasedHost* held(HostIndex host) const;
  // Another deploy is at work, or took this one's place.
  [[nodiscard]] const Status& trouble() const { return trouble_; }

  // The swarm's key is known: that of a seeder which an earlier deploy left, or this one's. Nothing
  // is served, and no tracker used, before it is. Trackers that have another one are told.
  [[nodiscard]] bool is_key_settled() const { return is_key_settled_; }
  void settle_key();

  // Another deploy was at work, and this one has begun nothing.
  [[nodiscard]] bool is_refused() const { return is_refused_; }
  // What is there of this tag is the other deploy's.
  [[nodiscard]] bool is_tag_taken() const { return is_tag_taken_; }

  void renew_if_due(Instant now);
  // Asks the holders of the locks whether they are still this deploy's, unless one has said so a
  // moment ago: another deploy may have taken over since the last renewal.
  void confirm(Instant now);
  // `info_hash`: of what was deployed.
  void release(const std::string& info_hash);
  bool take(const JobKind& kind, const HostResult& result);

 private:
  void bring_key(HostIndex host);
  [[nodiscard]] std::string command(HostIndex host, bool is_renewal, bool with_key) const;
  void take_reply(const HostResult& result, bool is_renewal);
  void on_busy(HostIndex host, const host::DeployLock& holder, bool is_lost);
  void take_unlocked(const HostResult& result) const;

  DeployRun& run_;
  JobKind lock_kind_;
  JobKind renew_kind_;
  JobKind key_kind_;  // a renewal that brings the key to the tracker there
  JobKind unlock_kind_;
  const std::string own_key_line_;  // on standard input of lock_kind_
  std::string key_line_;            // of key_kind_, once it is settled
  std::string owner_;
  std::string origin_;
  std::vector<std::string> replaced_;  // tokens of deploys that are gone
  std::vector<std::string> ousted_;    // and of those that may not be
  std::map<uint32_t, LeasedHost> hosts_;
  Instant renew_at_{};
  Instant confirmed_at_{};  // the last time that a lock was told to be held
  Status trouble_;
  bool is_tag_taken_ = false;
  bool is_refused_ = false;
  bool is_key_settled_ = false;
};

}  // namespace murder::fleet
