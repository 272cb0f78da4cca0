#include "cli/fleet/rollout/agent_input.h"

#include "cli/fleet/deploy_key.h"
#include "cli/fleet/deploy_lock_text.h"
#include "cli/fleet/own_process.h"
#include "engine/base/endpoint.h"

namespace murder::fleet {
namespace {

// `ip`: its address for other peers; empty: the coordinator sees it.
std::string agent_input(const DeployRun& run, HostIndex index, const AgentPlace& place,
                        const std::string& ip) {
  const Host& host = run.work.inventory().at(index);
  const Variables& variables = run.work.variables();
  const RolloutOptions& rollout = *run.options.rollout;
  const std::string config = agent_config_text(
      {.coordinator = place.coordinator,
       .host = agent_name_of(host, index.raw),
       .ip = ip,
       .rack = host.rack,
       .peer_port = variables.peer_port,
       .metrics_file = variables.metrics_file,
       .temp_path = run.options.temp_path,
       .transport = variables.transport,
       .app = place.app,
       .to = run.options.destination_path,
       .application = run.options.application,
       .keep_releases = run.options.keep_releases.value_or(0),
       .limits = run.options.limits,
       .no_sync = run.options.no_sync,
       .unsafe_please_delete = run.options.unsafe_please_delete && !place.had_release,
       .keep_archives = run.options.keep_temp_files,
       .is_recorded = place.is_recorded,
       .placing = run.options.placing,
       .health = rollout.health,
       .before_activate = rollout.before_activate,
       .after_activate = rollout.after_activate});
  return with_deploy_key(run.key, config);
}

}  // namespace

AgentWords agent_words_of(const DeployRun& run) {
  return {.token = run.token,
          .tag = run.options.tag,
          .owner = user_at_host(),
          .origin = encode_origin(own_origin())};
}

std::string agent_input_of(const DeployRun& run, HostIndex host, const AgentPlace& place) {
  return agent_input(run, host, place, run.work.inventory().at(host).ip);
}

std::string passed_agent_input_of(const DeployRun& run, HostIndex host, const AgentPlace& place) {
  const Host& here = run.work.inventory().at(host);
  return agent_input(run, host, place, IpAddress::parse(here.place()) ? here.place() : here.ip);
}

}  // namespace murder::fleet
