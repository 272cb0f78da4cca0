#include "cli/fleet/ending.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/fleet/plan/printed_command.h"
#include "cli/fleet/plan/shell_words.h"
#include "cli/fleet/report.h"
#include "cli/fleet/steps.h"

namespace murder::fleet {
namespace {

// Of a host that was silent before: it had its chance.
constexpr Duration silent_host_timeout = std::chrono::seconds(10);

// What the commands of a host told, in their order.
std::vector<Json> objects_in(std::string_view output) {
  std::vector<Json> objects;
  while (!output.empty()) {
    const size_t end = std::min(output.find('\n'), output.size());
    if (Result<Json> json = parse_json(output.substr(0, end)); json && json->is_object()) {
      objects.push_back(std::move(*json));
    }
    output.remove_prefix(std::min(end + 1, output.size()));
  }
  return objects;
}

}  // namespace

Ending::Ending(DeployRun& run)
    : run_(run), end_kind_(run.kind("activate")), clean_kind_(run.kind("clean-up")) {
  clean_kind_.cancel = &run.work.interrupts().cleaning_up();
  clean_kind_.retries = 0;
  silent_kind_ = clean_kind_;
  silent_kind_.command_timeout = silent_host_timeout;
}

CommandLine Ending::finish_line(const std::string& murder_path, const std::string& temp_path,
                                bool keeps_partial) const {
  return CommandLine::murder(murder_path, "finish")
      .word(run_.options.tag)
      .path_option("--temp-path", temp_path)
      .flag("--path-is-file", is_file_)
      .flag("--keep-temp-files", run_.options.keep_temp_files)
      .flag("--keep-partial", keeps_partial)
      .flag("--quiet")
      .flag("--json");
}

std::string Ending::clean_command(const std::string& murder_path,
                                  const std::string& temp_path) const {
  return finish_line(murder_path, temp_path, false).text();
}

std::string Ending::command_for(HostIndex host, const Plan& plan) const {
  const DeployHost& here = run_.at(host);
  // The next attempt goes on from what a host has that failed.
  const bool keeps_partial =
      here.is_peer && here.state == HostState::failed && !run_.work.is_interrupted();
  CommandLine line = finish_line(murder_path_of(run_.work), run_.options.temp_path, keeps_partial);
  // Where another deploy has taken over since, nothing is done.
  line.option("--token", run_.token).option("--app", run_.options.destination_path);
  const bool is_activated = contains(plan.activated, host);
  const bool is_kept = contains(plan.kept, host);
  if (is_activated || is_kept) {
    line.path_option("--to", run_.options.destination_path)
        .flag("--activate", is_activated)
        .flag("--no-sync", run_.options.no_sync);
  }
  if (is_kept) {
    line.option("--keep", std::to_string(*run_.options.keep_releases));
  }
  return line.flag("--no-clean", !here.is_touched).text();
}

void Ending::start(const Plan& plan) {
  activated_ = plan.activated;
  is_file_ = plan.is_file;
  end_kind_.stage = plan.activated.empty() ? "clean-up" : "activate";
  end_kind_.cancel =
      plan.activated.empty() ? &run_.work.interrupts().cleaning_up() : &run_.work.cancel();
  for (uint32_t index = 0; index < run_.hosts.size(); ++index) {
    const HostIndex host{index};
    if (!run_.at(host).is_touched && !contains(plan.activated, host) &&
        !contains(plan.kept, host)) {
      continue;
    }
    open_.push_back(host);
    const bool is_silent = run_.at(host).is_silent;
    run_.add(host, is_silent ? silent_kind_ : end_kind_, command_for(host, plan));
  }
}

void Ending::clean_what_is_left() {
  const std::vector<HostIndex> hosts = std::exchange(open_, {});
  for (const HostIndex host : hosts) {
    if (run_.at(host).is_touched) {
      open_.push_back(host);
      run_.add(host, clean_kind_, command_for(host, {}));
    }
  }
}

bool Ending::take(const JobKind& kind, const HostResult& result) {
  if (&kind != &end_kind_ && &kind != &clean_kind_ && &kind != &silent_kind_) {
    return false;
  }
  run_.times.end(kind.stage, monotonic_now());
  const bool is_cut_short =
      result.outcome == Outcome::interrupted || result.outcome == Outcome::not_started;
  if (contains(activated_, result.host) && &kind == &end_kind_) {
    take_activated(result);
  }
  if (is_cut_short && &kind == &end_kind_) {
    return true;  // clean_what_is_left()
  }
  std::erase(open_, result.host);
  const std::vector<Json> told = objects_in(result.output);
  const bool is_clean = std::any_of(told.begin(), told.end(),
                                    [](const Json& object) { return object.contains("stopped"); });
  if (!is_clean && run_.at(result.host).is_touched) {
    left_.push_back(result.host);
    run_.work.context().warn(fmt::format(
        "clean-up on {}: {}", run_.work.inventory().at(result.host).name, result.reason));
  }
  return true;
}

void Ending::take_activated(const HostResult& result) {
  bool is_active = false;
  bool is_kept = false;
  for (const Json& told : objects_in(result.output)) {
    is_active = is_active || told.contains("link");
    is_kept = is_kept || told.contains("releases");
  }
  if (is_active) {
    run_.at(result.host).state = HostState::active;
  } else if (!run_.work.is_interrupted()) {
    HostFailure failure = failure_of(run_.work.inventory(), result);
    failure.stage = "activate";
    run_.at(result.host).state = HostState::failed;
    run_.work.note_failure(std::move(failure));
    return;
  }
  if (is_active && !is_kept && run_.options.keep_releases && !result.is_ok()) {
    HostFailure failure = failure_of(run_.work.inventory(), result);
    failure.stage = "keep-releases";
    run_.work.note_failure(std::move(failure));
  }
}

void Ending::tell() const {
  if (left_.empty()) {
    return;
  }
  const std::string names = folded_names(run_.work, left_);
  const std::string task =
      fmt::format("clean-temp-files tag={} --stop", quote_word(run_.options.tag));
  run_.work.context().warn(fmt::format("something of {} may be left on {}: `{}` removes it",
                                       run_.options.tag, names,
                                       task_command(run_.options.own_words, task, names)));
}

}  // namespace murder::fleet
