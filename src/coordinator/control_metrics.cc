#include "coordinator/control_metrics.h"

#include <algorithm>
#include <array>
#include <vector>

#include "coordinator/bounds.h"
#include "coordinator/target_counts.h"
#include "engine/base/ensure.h"
#include "engine/base/metrics_text.h"

namespace murder::coordinator {
namespace {

using enum MetricType;
using control::RolloutState;

constexpr std::array rollout_states = {
    RolloutState::running,  RolloutState::paused,  RolloutState::held,    RolloutState::done,
    RolloutState::aborting, RolloutState::aborted, RolloutState::undoing, RolloutState::undone};

void append_process(MetricsText& out, const ControlMetrics& metrics) {
  out.single("murder_coordinator_leads", gauge, "Whether this coordinator decides.",
             uint64_t{metrics.machine == nullptr ? 0U : 1U});
  out.single("murder_coordinator_records", gauge, "Records of its log.", metrics.record_count);
  out.single("murder_coordinator_store_failures_total", counter,
             "Times that its state could not be read or written.", metrics.store_failures);
  out.single("murder_coordinator_links", gauge, "Connections of agents.",
             uint64_t{metrics.link_count});
  out.single("murder_coordinator_connections_total", counter,
             "Connections of agents that were made.", metrics.links.connections);
  out.single("murder_coordinator_reports_total", counter, "Reports of agents that were heard.",
             metrics.links.reports);
  out.single("murder_coordinator_told_total", counter, "Messages that agents were sent.",
             metrics.links.told);
  out.single("murder_coordinator_crowded_total", counter,
             "Connections of agents closed since all together held too much memory.",
             metrics.links.crowded);
}

void append_stages(MetricsText& out, const StageTimes& times) {
  constexpr std::array names = {"activate", "return", "rollout"};
  static_assert(names.size() == timed_stages.size());
  out.family("murder_coordinator_stages_total", counter,
             "Activations and returns of hosts, and rollouts, that ended, by outcome.");
  for (const TimedStage stage : timed_stages) {
    const char* name = names[static_cast<size_t>(stage)];
    out.sample({{"stage", name}, {"outcome", "done"}}, times.of(stage, true).count);
    out.sample({{"stage", name}, {"outcome", "failed"}}, times.of(stage, false).count);
  }
  out.family("murder_coordinator_stage_seconds_total", counter, "Time that these took.");
  for (const TimedStage stage : timed_stages) {
    const char* name = names[static_cast<size_t>(stage)];
    out.sample({{"stage", name}, {"outcome", "done"}}, seconds_of(times.of(stage, true).time));
    out.sample({{"stage", name}, {"outcome", "failed"}}, seconds_of(times.of(stage, false).time));
  }
}

void append_agents(MetricsText& out, const control::Coordinator& machine, Instant now) {
  uint64_t present = 0;
  uint64_t away = 0;
  for (uint32_t index = 0; index < machine.state().agents.size(); ++index) {
    if (!machine.state().agents[index].forgotten) {
      ++(machine.is_present(control::AgentIndex{index}, now) ? present : away);
    }
  }
  out.family("murder_coordinator_agents", gauge, "Agents that are known, by state.");
  out.sample({{"state", "present"}}, present);
  out.sample({{"state", "away"}}, away);
}

void append_releases(MetricsText& out, const control::State& state) {
  uint64_t published = 0;
  uint64_t revoked = 0;
  for (const auto& [name, app] : state.apps) {
    for (const control::Release& release : app.releases) {
      ++(release.revoked ? revoked : published);
    }
  }
  out.family("murder_coordinator_releases", gauge, "Releases that are known, by state.");
  out.sample({{"state", "published"}}, published);
  out.sample({{"state", "revoked"}}, revoked);
}

void append_rollouts(MetricsText& out, const control::State& state) {
  std::array<uint64_t, rollout_states.size()> counts{};
  for (const auto& [name, app] : state.apps) {
    if (app.rollout) {
      ++counts[static_cast<size_t>(app.rollout->state)];
    }
  }
  out.family("murder_coordinator_rollouts", gauge, "The latest rollout of each app, by state.");
  for (const RolloutState each : rollout_states) {
    out.sample({{"state", control::name_of(each)}}, counts[static_cast<size_t>(each)]);
  }
}

// Those that go on, then those that were started last.
std::vector<const control::App*> apps_to_name(const control::State& state) {
  std::vector<const control::App*> apps;
  for (const auto& [name, app] : state.apps) {
    if (app.rollout) {
      apps.push_back(&app);
    }
  }
  std::sort(apps.begin(), apps.end(), [](const control::App* left, const control::App* right) {
    const bool left_goes_on = !control::is_over(left->rollout->state);
    const bool right_goes_on = !control::is_over(right->rollout->state);
    return left_goes_on != right_goes_on ? left_goes_on
                                         : left->rollout->number > right->rollout->number;
  });
  apps.resize(std::min<size_t>(apps.size(), limits::metrics_apps_max));
  return apps;
}

void append_apps(MetricsText& out, const control::Coordinator& machine, Instant now) {
  const std::vector<const control::App*> apps = apps_to_name(machine.state());
  if (apps.empty()) {
    return;
  }
  out.family("murder_rollout_state", gauge, "The state of an app's latest rollout: always 1.");
  for (const control::App* app : apps) {
    const control::Release* release = control::find_release(*app, app->rollout->release);
    ENSURE(release != nullptr);
    out.sample({{"app", app->name},
                {"tag", release->tag},
                {"state", control::name_of(app->rollout->state)}},
               uint64_t{1});
  }
  std::vector<TargetCounts> counts;
  for (const control::App* app : apps) {
    counts.push_back(count_targets(machine, *app, now));
  }
  out.family("murder_rollout_hosts", gauge, "Hosts of an app's latest rollout, by stage.");
  for (size_t index = 0; index < apps.size(); ++index) {
    for (const CountMember& count : count_members) {
      if (count.member != &TargetCounts::away) {
        out.sample({{"app", apps[index]->name}, {"stage", count.name}},
                   uint64_t{counts[index].*count.member});
      }
    }
  }
  out.family("murder_rollout_hosts_away", gauge, "Those of them that are not heard.");
  for (size_t index = 0; index < apps.size(); ++index) {
    out.sample({{"app", apps[index]->name}}, uint64_t{counts[index].away});
  }
}

}  // namespace

std::string render_control_metrics(const ControlMetrics& metrics, Instant now) {
  MetricsText out;
  append_process(out, metrics);
  append_stages(out, metrics.times);
  if (metrics.machine != nullptr) {
    append_agents(out, *metrics.machine, now);
    append_releases(out, metrics.machine->state());
    append_rollouts(out, metrics.machine->state());
    append_apps(out, *metrics.machine, now);
  }
  return out.take();
}

}  // namespace murder::coordinator
