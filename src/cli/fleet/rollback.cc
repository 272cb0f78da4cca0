// murder rollback: the release before the current one becomes current again.
#include <fmt/format.h>

#include <map>

#include "cli/fleet/activation.h"
#include "cli/fleet/fleet.h"
#include "cli/fleet/plan/node_set.h"
#include "cli/fleet/same_machine.h"
#include "cli/fleet/tasks.h"

namespace murder::fleet {
namespace {

using Groups = std::map<std::string, std::vector<std::string>>;  // release -> names of hosts

std::string text_of(const Groups& groups) {
  std::string text;
  for (const auto& [release, names] : groups) {
    text += fmt::format("{}{} on {}", text.empty() ? "" : ", ", release, fold_node_set(names));
  }
  return text;
}

// Where all hosts go back to. Nothing is guessed: they have to agree, or the tag is named.
Result<std::string> common_previous(const Work& work, const std::vector<HostReleases>& list) {
  Groups previous;
  Groups problems;
  for (const HostReleases& releases : list) {
    const std::string& name = work.inventory().at(releases.host).name;
    if (releases.previous.empty()) {
      problems[releases.previous_problem].push_back(name);
    } else {
      previous[releases.previous].push_back(name);
    }
  }
  if (!problems.empty()) {
    std::string text;
    for (const auto& [problem, names] : problems) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", fold_node_set(names), problem);
    }
    return fail(ErrorCode::not_found,
                fmt::format("nothing was switched, since not every host has a release to go back "
                            "to ({}); name one that all have: --tag NAME",
                            text));
  }
  if (previous.size() > 1) {
    return fail(ErrorCode::conflict,
                fmt::format("nothing was switched, since the hosts would go back to different "
                            "releases ({}); name one: --tag NAME",
                            text_of(previous)));
  }
  return previous.begin()->first;
}

Result<int> run_rollback(const TaskOptions& options, cli::CommandContext& context) {
  auto opened = open_work(options.fleet, context, "rollback");
  if (!opened) {
    return fail(opened.error());
  }
  Work& work = **opened;
  const Result<std::string> chosen = destination_of(options.destination_path, work.variables());
  if (!chosen) {
    return context.wrong_usage(chosen.error().text);
  }
  const std::string& destination = *chosen;
  if (!options.tag.empty()) {
    if (const Result<std::string> valid = tag_of(options.tag, work.variables()); !valid) {
      return context.wrong_usage(valid.error().text);
    }
  }
  const std::vector<HostIndex>& hosts = work.inventory().peers;
  const std::vector<HostReleases> list = list_releases(work, hosts, destination);
  Groups current;
  std::vector<HostIndex> reached;
  for (const HostReleases& releases : list) {
    reached.push_back(releases.host);
    current[releases.current.empty() ? "nothing" : releases.current].push_back(
        work.inventory().at(releases.host).name);
  }
  if (reached.empty() || work.is_interrupted()) {
    return work.finish(0, "nothing was switched", {{"done", Json::array()}});
  }
  std::string tag = options.tag;
  if (tag.empty()) {
    const Result<std::string> previous = common_previous(work, list);
    if (!previous) {
      return fail(previous.error());
    }
    tag = *previous;
  }
  const size_t other_names = drop_other_names(work, reached).size();
  context.note(fmt::format("current: {}; going back to {}", text_of(current), tag));
  const std::vector<HostIndex> done =
      activate(work, reached, {.tag = tag, .destination_path = destination, .is_rollback = true});
  return work.finish(done.size(),
                     fmt::format("{}/current is {} on {} of {} hosts", destination, tag,
                                 done.size(), hosts.size() - other_names),
                     {{"tag", tag}, {"done", names_of(work.inventory(), done)}});
}

}  // namespace

void add_rollback_command(cli::ArgumentParser app, cli::CommandContext& context) {
  auto [command, options] = cli::add_command<TaskOptions>(
      app, context,
      {.name = "rollback",
       .description =
           "Make the release before the current one current again, on every host that\n"
           "answers. Hosts that would go back to different releases are an error: name one.",
       .details = "On every host the link DIR/current is switched back in one rename, to the "
                  "release that was made current before the present one and is still there. A "
                  "further rollback goes one release further back. Nothing is fetched and "
                  "nothing is removed.",
       .example = "murder rollback\nmurder rollback --to /srv/app --tag v41",
       .exit_statuses = {{"0", "All hosts were switched."},
                         {"1", "No host was."},
                         {"2", "The command line or a configuration file is wrong."},
                         {"3", "Some hosts were."},
                         {"130", "It was interrupted."}},
       .environment = {{"MURDER_SSH", "The command in place of `ssh`, where --ssh is not given."}},
       .files = {cli::config_file},
       .see_also = {"murder-deploy(1)", "murder-activate(1)", "murder-releases(1)",
                    "murder-fleet(1)"},
       .has_telling_exit_code = true},
      run_rollback);
  command
      .add_option("--tag", options.tag,
                  "The release to go back to (default: what was current before)")
      .type_name("NAME")
      .completes(cli::ValueKind::any_tag);
  command
      .add_option("--to,--destination-path", options.destination_path,
                  "Where the releases are (default: default_destination_path)")
      .type_name("DIR");
  add_fleet_options(command, options.fleet);
}

}  // namespace murder::fleet
