// What must hold of a rollout, checked from outside: from the records as they are written, and from
// what the hosts really do. Its arithmetic is written anew, so that a mistake in the machine's does
// not hide here.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/control/record.h"

namespace murder::control_sim {

// A rollout as its records tell it.
struct FollowedRollout {
  control::Plan plan;
  control::ReleaseNumber release;
  control::RolloutState state = control::RolloutState::running;
  uint32_t wave = 0;
  std::map<std::string, control::Stage> stages;  // of each host that belongs to it
  std::set<std::string> touched;
  Instant quiet_since{};  // when the latest outcome was
  uint64_t number = 0;    // how many rollouts there were before
};

class Checks {
 public:
  // A record is on the disk.
  void follow(const control::Record& record, Instant now, int64_t wall_s);

  // A host begins to activate because it was told to; `down` of all hosts that the coordinator
  // hears are down by the rollout's doing, `down_in_rack` of them in the host's rack.
  void see_activation(const std::string& app, const std::string& host, uint32_t down,
                      uint32_t down_in_rack, uint32_t hosts_in_rack);

  // The first fault; empty: none.
  [[nodiscard]] const std::string& fault() const { return fault_; }
  void note(std::string text);  // a fault
  [[nodiscard]] const FollowedRollout* rollout(const std::string& app) const;
  [[nodiscard]] uint64_t record_count() const { return record_count_; }

 private:
  struct Agent {
    std::vector<std::string> groups, apps;
  };
  struct Published {
    std::string tag;
    InfoHash info_hash;
    bool revoked = false;
  };

  void follow_rollout(const control::RolloutStarted& what, Instant now);
  void follow_told(const control::Told& what, Instant now, int64_t wall_s);
  void follow_outcome(const control::Outcome& what, Instant now);
  void follow_wave(const control::WaveBegun& what, Instant now);
  void follow_state(const control::StateChanged& what, const std::string& by, Instant now);
  void follow_agent(const control::AgentSeen& what);
  [[nodiscard]] bool belongs(const std::string& host, const std::string& app,
                             const control::Plan& plan) const;

  std::map<std::string, Agent> agents_;
  std::map<std::string, std::map<uint32_t, Published>> releases_;  // by app and number
  std::map<std::string, FollowedRollout> rollouts_;
  uint64_t record_count_ = 0;
  std::string fault_;
};

}  // namespace murder::control_sim
