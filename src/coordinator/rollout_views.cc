#include <algorithm>

#include "coordinator/bounds.h"
#include "coordinator/plan_json.h"
#include "coordinator/target_counts.h"
#include "coordinator/views.h"
#include "engine/base/ensure.h"
#include "engine/base/json_writer.h"

namespace murder::coordinator {
namespace {

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

// Hosts that failed, also those that are back on what they ran before and have nothing to hide now.
void write_failures(JsonWriter& json, const control::Coordinator& machine,
                    const control::Rollout& rollout) {
  json.key("failures");
  json.begin_array();
  size_t count = 0;
  for (const control::Target& target : rollout.targets) {
    if (target.failed_reason == control::Reason::none || count == limits::unsettled_listed_max) {
      continue;
    }
    ++count;
    json.begin_object();
    json.member("host", machine.state().agent(target.agent).name);
    json.member("why", control::text_of(target.failed_reason, target.failed_text));
    json.end_object();
  }
  json.end_array();
}

// What it waits for besides hosts, and for how long.
void write_wait(JsonWriter& json, const control::RolloutWait& wait) {
  const std::string_view what = wait.reason == control::WaitReason::begin_time ? "begin_time"
                                : wait.reason == control::WaitReason::quorum   ? "quorum"
                                : wait.reason == control::WaitReason::bake     ? "bake"
                                                                               : "";
  json.member("waits_for", what);
  json.key("waits_s");
  json.decimal(seconds_of(wait.left), 1);
}

void write_rollout(JsonWriter& json, const control::Coordinator& machine, const control::App& app,
                   control::Moment moment) {
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
  write_wait(json, machine.wait_of(app, moment));
  const TargetCounts counts = count_targets(machine, app, moment.now);
  json.key("counts");
  json.begin_object();
  for (const CountMember& count : count_members) {
    json.member(count.name, counts.*count.member);
  }
  json.end_object();
  write_unsettled(json, machine, app.name, moment.now);
  write_failures(json, machine, rollout);
  json.key("plan");
  write_plan(json, rollout.plan);
  json.end_object();
}

}  // namespace

std::string show_rollouts(const control::Coordinator& machine, const std::string& app, Instant now,
                          int64_t wall_s) {
  JsonWriter json;
  json.begin_object();
  json.key("rollouts");
  json.begin_array();
  for (const auto& [name, each] : machine.state().apps) {
    if (each.rollout && (app.empty() || app == name)) {
      write_rollout(json, machine, each, {.now = now, .wall_s = wall_s});
    }
  }
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace murder::coordinator
