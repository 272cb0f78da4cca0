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
  // the record says; else why not. nullopt: nothing in the record is signed by an agent.
  [[nodiscard]] std::optional<std::string> verify(const Json& record);

  [[nodiscard]] uint64_t verified_count() const { return verified_count_; }
  [[nodiscard]] uint64_t false_count() const { return false_count_; }
  // Hosts of rollouts whose outcome came without a signature: of agents that were not heard, or
  // are older.
  [[nodiscard]] uint64_t unsigned_count() const { return unproven_.size(); }

 private:
  [[nodiscard]] Status check(const Json& record) const;

  std::map<std::string, std::string> identities_;           // by host
  std::set<std::pair<std::string, std::string>> unproven_;  // app and host
  std::set<std::pair<std::string, std::string>> proven_;    // since they were told last
  uint64_t verified_count_ = 0;
  uint64_t false_count_ = 0;
};

}  // namespace murder::cli
