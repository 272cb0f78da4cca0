// What came of what was asked, signed by the agent's key (trust/outcome.h): once for each attempt
// and outcome, not for each report. Bounded by the apps of the configuration.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/types.h"
#include "engine/control/agent_app.h"
#include "engine/control/messages.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/outcome.h"

namespace murder::agent {

class OutcomeSigner {
 public:
  OutcomeSigner(const trust::AgentKey& key, std::string host) : key_(key), host_(std::move(host)) {}

  // What is asked for from now on, by which attempt.
  void see_wanted(const control::Wanted& wanted);
  // Outcomes that are new, as they travel; empty where none is.
  [[nodiscard]] std::vector<std::string> take_due(const control::KeptAgent& kept, int64_t now_s);
  // The latest of each app, for a coordinator that may not have heard it.
  [[nodiscard]] std::vector<std::string> latest() const;

 private:
  using Kind = trust::OutcomeStatement::Kind;
  struct Asked {
    uint64_t attempt = 0;
    InfoHash release;
    bool is_returning = false;  // by itself, from that attempt
    uint64_t signed_attempt = 0;
    Kind signed_kind = Kind::healthy;
    std::string text;  // what was signed last
  };

  [[nodiscard]] static std::optional<Kind> outcome_of(const control::KeptApp& app, Asked& asked);
  [[nodiscard]] std::string sign(const control::KeptApp& app, const Asked& asked, Kind kind,
                                 int64_t now_s) const;

  const trust::AgentKey& key_;
  const std::string host_;
  std::map<std::string, Asked, std::less<>> asked_;  // by app
};

}  // namespace murder::agent
