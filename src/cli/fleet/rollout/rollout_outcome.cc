// What came of a deploy with a coordinator, host by host.
#include <fmt/format.h>

#include <algorithm>

#include "cli/fleet/rollout/rollout_deployment.h"

namespace murder::fleet {
namespace {

bool went_back(const std::string& state) {
  return state == "undoing" || state == "undone";
}

}  // namespace

// One that has neither the release nor a reason.
std::string RolloutDeployment::why_unsettled(HostIndex host) const {
  if (went_back(following_.state())) {
    const std::string current = following_.current(host).value_or("");
    return fmt::format("it went back{}, as the rollout did",
                       current.empty() ? "" : fmt::format(" to {}", current));
  }
  return fmt::format("{} while {}{}", work_.is_interrupted() ? "interrupted" : "the deploy failed",
                     host_state_name(run_.at(host).state), following_.how_far(host));
}

void RolloutDeployment::fill_outcome() {
  if (outcome_.is_refused) {
    work_.forget_failures();
    return;
  }
  for (const HostIndex host : work_.inventory().peers) {
    DeployHost& here = run_.at(host);
    if (std::optional<std::string> current = following_.current(host); here.is_peer && current) {
      outcome_.current.emplace_back(host, std::move(*current));
    }
    if (!here.is_peer || contains(earlier_, host)) {
      continue;
    }
    if (!here.is_settled() && !is_left_) {
      const char* stage = here.state == HostState::connecting ? "connect"
                          : went_back(following_.state())     ? "activate"
                                                              : "peer";
      run_.fail_host(host, stage, why_unsettled(host));
    }
    outcome_.states.emplace_back(host, here.state);
    const bool has_it = here.state == HostState::ready || here.state == HostState::active;
    if (has_it) {
      outcome_.done.push_back(host);
    }
    if (has_it && following_.had(host, outcome_.info_hash)) {
      outcome_.already.push_back(host);
    }
    outcome_.is_activated = outcome_.is_activated || here.state == HostState::active;
  }
  const Json& ended = following_.ended();
  if (is_left_) {
    // While the question was open the coordinator may have been lost.
    outcome_.goes_on =
        host_ ? fmt::format("{} goes on on {} without this command", options_.tag,
                            work_.inventory().at(*host_).name)
              : fmt::format(
                    "the coordinator of {} is lost: its agents end within 2 minutes, and "
                    "the same command again continues",
                    options_.tag);
    if (!channels_.hosts().empty()) {
      outcome_.goes_on += fmt::format(", but for {}", folded_names(work_, channels_.hosts()));
    }
  } else if (activates() && text_member(ended, "state") != "done") {
    outcome_.not_activated = text_member(ended, "why", "nothing was activated");
  }
  outcome_.stages = run_.times.list();
  outcome_.stages_text = run_.times.text();
}

}  // namespace murder::fleet
