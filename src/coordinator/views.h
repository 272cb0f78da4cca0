// What operators are shown of a coordinator's state, as JSON (docs/protocol.md, "The coordinator").
// Functions of the machine and the time.
#pragma once

#include <string>

#include "coordinator/copy_state.h"
#include "engine/base/instant.h"
#include "engine/control/coordinator.h"
#include "engine/control/link_messages.h"
#include "engine/trust/enrolment.h"

namespace murder::coordinator {

// What connected agents say of themselves.
class FactsSource {
 public:
  // nullptr: the agent is not connected.
  [[nodiscard]] virtual const control::Facts* facts_of(control::AgentIndex agent) const = 0;

 protected:
  ~FactsSource() = default;
};

// Of one app, or of all (empty).
[[nodiscard]] std::string show_releases(const control::Coordinator& machine,
                                        const CopySource& copies, const std::string& app);
// One release, which is there.
[[nodiscard]] std::string show_release(const control::Coordinator& machine,
                                       const CopySource& copies, const control::App& app,
                                       const control::Release& release);
// The latest rollout of one app, or of each (empty). `wall_s`: in seconds since 1970.
[[nodiscard]] std::string show_rollouts(const control::Coordinator& machine, const std::string& app,
                                        Instant now, int64_t wall_s = INT64_MAX);

struct AgentsWanted {
  std::string group;   // empty: of any
  std::string app;     // that take it; empty: any
  std::string not_at;  // that do not run this tag (of `app`, or of any app); empty: all
};
[[nodiscard]] std::string show_agents(const control::Coordinator& machine, const FactsSource& facts,
                                      const AgentsWanted& wanted, Instant now);

// Agents that wait for an operator, and one that need not any more.
[[nodiscard]] std::string show_waiting(const trust::Approvals& approvals);
[[nodiscard]] std::string show_approved(const std::string& host, const std::string& identity);
// Agents of a deploy that is over, which have not ended.
[[nodiscard]] std::string show_ending(uint32_t agent_count);

}  // namespace murder::coordinator
