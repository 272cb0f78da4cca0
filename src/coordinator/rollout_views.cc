#include <algorithm>
#include <array>

#include "coordinator/bounds.h"
#include "coordinator/plan_json.h"
#include "coordinator/views.h"
#include "engine/base/ensure.h"
#include "engine/base/json_writer.h"

namespace murder::coordinator {
namespace {

// Every target is counted in one of these, but for `away`.
struct TargetCounts {
  uint32_t waiting = 0;
  uint32_t fetching = 0;
  uint32_t ready = 0;
  uint32_t told = 0;
  uint32_t healthy = 0;
  uint32_t failed = 0;
  uint32_t back_told = 0;
  uint32_t back_done = 0;
  uint32_t back_failed = 0;
  uint32_t away = 0;  // whatever else they are
};

struct CountMember {
  std::string_view name;
  uint32_t TargetCounts::*member;
};

constexpr std::array count_members = {
    CountMember{"waiting", &TargetCounts::waiting},
    CountMember{"fetching", &TargetCounts::fetching},
    CountMember{"ready", &TargetCounts::ready},
    CountMember{"told", &TargetCounts::told},
    CountMember{"healthy", &TargetCounts::healthy},
    CountMember{"failed", &TargetCounts::failed},
    CountMember{"back_told", &TargetCounts::back_told},
    CountMember{"back_done", &TargetCounts::back_done},
    CountMember{"back_failed", &TargetCounts::back_failed},
    CountMember{"away", &TargetCounts::away},
};

// A host that was not told yet, by what it reports.
uint32_t TargetCounts::*member_of_waiting(const control::Heard& heard, const std::string& app,
                                          const InfoHash& release) {
  for (const control::HeardApp& each : heard.apps) {
    if (each.report.app == app) {
      const auto& ready = each.report.ready;
      if (std::find(ready.begin(), ready.end(), release) != ready.end()) {
        return &TargetCounts::ready;
      }
      const bool is_fetching = each.report.phase == control::Phase::fetching ||
                               each.report.phase == control::Phase::verifying;
      return is_fetching ? &TargetCounts::fetching : &TargetCounts::waiting;
    }
  }
  return &TargetCounts::waiting;
}

uint32_t TargetCounts::*member_of(control::Stage stage) {
  switch (stage) {
    case control::Stage::waiting:
      return &TargetCounts::waiting;
    case control::Stage::told:
      return &TargetCounts::told;
    case control::Stage::healthy:
      return &TargetCounts::healthy;
    case control::Stage::failed:
      return &TargetCounts::failed;
    case control::Stage::back_told:
      return &TargetCounts::back_told;
    case control::Stage::back_done:
      return &TargetCounts::back_done;
    case control::Stage::back_failed:
      return &TargetCounts::back_failed;
  }
  return &TargetCounts::waiting;
}

TargetCounts count_targets(const control::Coordinator& machine, const control::App& app,
                           const control::Release& release, Instant now) {
  TargetCounts counts;
  for (const control::Target& target : app.rollout->targets) {
    const bool is_present = machine.is_present(target.agent, now);
    counts.away += is_present ? 0 : 1;
    ++(counts.*(target.stage == control::Stage::waiting && is_present
                    ? member_of_waiting(machine.heard_of(target.agent), app.name, release.info_hash)
                    : member_of(target.stage)));
  }
  return counts;
}

// What an operator has to look at comes first: the list that he sees has an end.
bool has_failed(const control::Unsettled& host) {
  return host.stage == control::Stage::failed || host.stage == control::Stage::back_failed;
}

void write_unsettled(JsonWriter& json, const control::Coordinator& machine, const std::string& app,
                     Instant now) {
  std::vector<control::Unsettled> all = machine.unsettled(app, now);
  std::stable_partition(all.begin(), all.end(), has_failed);
  json.key("unsettled");
  json.begin_array();
  for (size_t index = 0; index < std::min<size_t>(all.size(), limits::unsettled_listed_max);
       ++index) {
    json.begin_object();
    json.member("host", machine.state().agent(all[index].agent).name);
    json.member("stage", control::name_of(all[index].stage));
    json.member("why", all[index].why);
    json.end_object();
  }
  json.end_array();
  json.member("unsettled_count", all.size());
}

void write_rollout(JsonWriter& json, const control::Coordinator& machine, const control::App& app,
                   Instant now) {
  const control::Rollout& rollout = *app.rollout;
  const control::Release* release = control::find_release(app, rollout.release);
  ENSURE(release != nullptr);
  json.begin_object();
  json.member("app", app.name);
  json.member("tag", release->tag);
  json.member("info_hash", release->info_hash.hex());
  json.member("number", rollout.number);
  json.member("state", control::name_of(rollout.state));
  json.member("why", rollout.why);
  json.member("by", rollout.by);
  json.member("started_s", rollout.started_wall_s);
  json.member("wave", rollout.wave + 1);
  json.member("waves", rollout.plan.waves.size());
  json.member("targets", rollout.targets.size());
  const TargetCounts counts = count_targets(machine, app, *release, now);
  json.key("counts");
  json.begin_object();
  for (const CountMember& count : count_members) {
    json.member(count.name, counts.*count.member);
  }
  json.end_object();
  write_unsettled(json, machine, app.name, now);
  json.key("plan");
  write_plan(json, rollout.plan);
  json.end_object();
}

}  // namespace

std::string show_rollouts(const control::Coordinator& machine, const std::string& app,
                          Instant now) {
  JsonWriter json;
  json.begin_object();
  json.key("rollouts");
  json.begin_array();
  for (const auto& [name, each] : machine.state().apps) {
    if (each.rollout && (app.empty() || app == name)) {
      write_rollout(json, machine, each, now);
    }
  }
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace murder::coordinator
