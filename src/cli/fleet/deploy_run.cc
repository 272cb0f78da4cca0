#include "cli/fleet/deploy_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/fleet/plan/node_set.h"
#include "cli/fleet/report.h"
#include "engine/base/random_word.h"

namespace murder::fleet {

DeployRun::DeployRun(Work& the_work, const DeployOptions& the_options, RunObserver& observer,
                     const archive::CancelFlag* the_cancel)
    : work(the_work),
      options(the_options),
      cancel(the_cancel == nullptr ? the_work.cancel() : *the_cancel),
      started_at(monotonic_now()),
      token(random_mark()),
      key(the_options.key),
      runner(the_work.inventory(), the_work.launcher(), the_work.fleet().run.forks, observer,
             /*keeps_sessions=*/true),
      times(started_at) {
  hosts.resize(work.inventory().hosts.size());
  for (DeployHost& host : hosts) {
    host.moved_at = started_at;
  }
}

StateCounts DeployRun::counts() const {
  std::vector<HostState> states;
  for (const DeployHost& host : hosts) {
    if (host.is_peer) {
      states.push_back(host.state);
    }
  }
  return count_states(states);
}

JobKind DeployRun::kind(std::string_view stage) const {
  const RunOptions& run = work.fleet().run;
  return {.stage = std::string(stage),
          .command_timeout = run.command_timeout,
          .retries = run.retries,
          .cancel = &cancel};
}

void DeployRun::add(HostIndex host, const JobKind& kind, const std::string& command) {
  times.begin(kind.stage, monotonic_now());
  runner.add({.host = host, .command = work.framed(host, command), .kind = &kind});
}

void DeployRun::fail_host(HostFailure failure) {
  DeployHost& host = at(failure.host);
  host.has_failed = true;
  if (host.is_peer && !host.is_settled()) {
    host.state = HostState::failed;
  }
  work.note_failure(std::move(failure));
}

void DeployRun::fail_host(const HostResult& result) {
  fail_host(failure_of(work.inventory(), result));
}

void DeployRun::fail_host(HostIndex host, std::string_view stage, std::string reason) {
  fail_host({.host = host,
             .name = work.inventory().at(host).name,
             .stage = std::string(stage),
             .outcome = std::string(outcome_name(Outcome::failed)),
             .reason = std::move(reason)});
}

bool contains(std::span<const HostIndex> hosts, HostIndex host) {
  return std::find(hosts.begin(), hosts.end(), host) != hosts.end();
}

std::string folded_names(const Work& work, std::span<const HostIndex> hosts) {
  std::vector<std::string> names;
  for (const HostIndex host : hosts) {
    names.push_back(work.inventory().at(host).name);
  }
  return fold_node_set(names);
}

std::string random_mark() {
  const uint64_t random = random_word().value_or(static_cast<uint64_t>(getpid()));
  return fmt::format("{:012x}", random & 0xFFFFFFFFFFFFU);
}

}  // namespace murder::fleet
