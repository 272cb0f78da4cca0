// What is signed in a coordinator's log: orders, and outcomes by which agents prove what came of
// them. Verified here: the coordinator is not believed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "engine/base/json.h"
#include "engine/base/result.h"

namespace murder::cli {

// "activate until 2026-11-30T16:31:12Z by SHA256:...", of the member `signed` of a record; what is
// none of ours: its first line.
[[nodiscard]] std::string signed_summary(const std::string& text);

// Follows a log from its beginning. Bounded by the hosts and rollouts in it.
class AuditProofs {
 public:
  // Of a record `proven`: empty if the agent that has the host's name signed it, and it says what
  // the record says, about the release that the log asked that host for; else why not. nullopt:
  // nothing in the record is signed by an agent.
  [[nodiscard]] std::optional<std::string> verify(const Json& record);

  [[nodiscard]] uint64_t verified_count() const { return verified_count_; }
  [[nodiscard]] uint64_t false_count() const { return false_count_; }
  // Hosts of rollouts whose outcome came without a signature: of agents that were not heard, or
  // are older. Or with the signature of another outcome.
  [[nodiscard]] uint64_t unsigned_count() const { return unproven_.size(); }

 private:
  using AppHost = std::pair<std::string, std::string>;
  // The latest of an app. Attempts are numbers of records: those from `undoing` on lead back.
  struct Rollout {
    uint64_t release = 0;
    uint64_t number = 0;
    uint64_t undoing = 0;  // 0: it goes forward
  };

  void follow(const Json& record);
  void follow_outcome(const Json& record, const AppHost& about);
  void forget_rollout(const std::string& app);
  // The info hash of what the host was asked for; empty: the log does not say it.
  [[nodiscard]] std::string asked_release(const AppHost& about, uint64_t attempt) const;
  [[nodiscard]] Status check(const Json& record) const;

  std::map<std::string, std::string> identities_;                     // by host
  std::map<std::pair<std::string, uint64_t>, std::string> releases_;  // by app and number
  std::map<std::string, Rollout> rollouts_;                           // by app
  std::map<AppHost, uint64_t> before_;  // in the rollout: the release that the host came from
  std::set<AppHost> unproven_;
  std::map<AppHost, std::string> proven_;  // since they were told last: the outcome
  uint64_t verified_count_ = 0;
  uint64_t false_count_ = 0;
};

}  // namespace murder::cli
