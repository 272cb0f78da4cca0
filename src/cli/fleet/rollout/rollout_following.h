// What `murder coordinate` tells of a deploy, line by line: how far the rollout and each host are.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "cli/fleet/deploy_run.h"
#include "cli/fleet/peering.h"
#include "cli/fleet/plan/host_state.h"
#include "cli/fleet/tracker_feed.h"
#include "engine/base/json.h"

namespace murder::fleet {

class RolloutFollowing {
 public:
  explicit RolloutFollowing(DeployRun& run) : run_(run) {}

  void add_host(std::string name, HostIndex host) { hosts_.emplace(std::move(name), host); }
  void set_total(uint64_t bytes) { total_bytes_ = bytes; }

  void take_output(std::string_view part);
  // What it told first: the lock, or who holds it; null: nothing yet.
  [[nodiscard]] const Json& lock() const { return lock_; }
  void forget_lock() {
    lock_ = {};
    is_ending_ = false;
  }
  // Its last word: "state", "why", "left"; null: nothing yet.
  [[nodiscard]] const Json& ended() const { return ended_; }
  // It cleans up, and says nothing until that is done.
  [[nodiscard]] bool is_ending() const { return is_ending_; }
  [[nodiscard]] const std::string& state() const { return state_; }  // of the rollout
  [[nodiscard]] std::string stage_text() const;                      // for the screen
  [[nodiscard]] SwarmView view() const;
  // ", 3 MiB of 7 MiB"; empty: nothing is known of that.
  [[nodiscard]] std::string how_far(HostIndex host) const;
  // Tags by info hash, as they were in place on a host when its agent began.
  // What an agent that was started again finds there is what this deploy brought.
  void note_placed(HostIndex host, Json tags) { placed_.try_emplace(host.raw, std::move(tags)); }
  [[nodiscard]] bool had(HostIndex host, const std::string& info_hash) const;
  // What is current on a host: a tag, or an info hash where no host knows its tag; empty: nothing
  // is. None: it was not heard.
  [[nodiscard]] std::optional<std::string> current(HostIndex host) const;
  void tell_warnings() const { warnings_.tell(run_.work); }

 private:
  void take(const Json& told);
  void take_rollout(const Json& rollout);
  void begin_clean_up();
  void take_host(HostIndex host, const Json& told);
  void take_facts(HostIndex host, const Json& told);
  void fail(HostIndex host, const Json& told);

  DeployRun& run_;
  std::map<std::string, HostIndex> hosts_;
  PeerWarnings warnings_;
  std::set<uint32_t> have_warned_;  // of the hosts
  std::set<uint32_t> keep_too_many_;
  std::map<uint32_t, std::string> current_;  // of the hosts
  std::map<uint32_t, Json> placed_;          // likewise
  bool is_ending_ = false;
  uint64_t total_bytes_ = 0;  // of the archive
  std::string line_;          // as far as it has come
  Json lock_;
  Json ended_;
  std::string state_;
  uint64_t wave_ = 0;
  uint64_t waves_ = 0;
};

}  // namespace murder::fleet
