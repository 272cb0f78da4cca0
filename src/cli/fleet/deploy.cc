// murder deploy: a release to all hosts in one command.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "cli/fleet/chosen_way.h"
#include "cli/fleet/deploy_key.h"
#include "cli/fleet/deploy_plan.h"
#include "cli/fleet/deploy_report.h"
#include "cli/fleet/deployment.h"
#include "cli/fleet/fleet.h"
#include "cli/fleet/own_process.h"
#include "cli/fleet/plan/node_set.h"
#include "cli/fleet/plan/printed_command.h"
#include "cli/fleet/rollout/rollout_deployment.h"
#include "cli/fleet/rollout/rollout_options.h"
#include "cli/fleet/tasks.h"
#include "cli/ui/table.h"
#include "engine/archive/exclude_patterns.h"
#include "engine/base/units.h"
#include "engine/host/release_directory.h"

namespace murder::fleet {
namespace {

struct DeployCommandOptions {
  TaskOptions task;
  std::string source;
  std::string quorum;
  std::optional<uint32_t> keep_releases;
  bool activate = false;
  bool no_sync = false;
  bool local_seeder = false;
  bool on_seeder = false;
  bool no_distribute = false;
  bool keep_temp_files = false;
  bool retry_failed = false;
  bool take_over = false;
  bool is_closed = false;
  bool is_open = false;
  bool plan = false;
  PlanAssumptions assumptions;
  RolloutWords rollout;
};

// Absolute and without "." and "..", as far as this can be said of a path of another host.
std::string clean_path(const std::string& path) {
  if (!path.starts_with('/')) {
    return path;
  }
  const std::filesystem::path clean = std::filesystem::path(path).lexically_normal();
  return (clean.has_filename() ? clean : clean.parent_path()).string();
}

// What does not go together.
Status check_options(const DeployOptions& deploy, const DeployCommandOptions& options) {
  const auto wrong = [](std::string text) {
    return fail(ErrorCode::invalid_input, std::move(text));
  };
  if (Status fits = deploy.rollout ? check_rollout(deploy) : Status(); !fits) {
    return fail(fits.error());
  }
  if (deploy.source.empty()) {
    return wrong("say what is to be deployed: murder deploy SOURCE");
  }
  if (deploy.on_seeder && deploy.local_seeder) {
    return wrong("--on-seeder and --local-seeder exclude each other");
  }
  if (deploy.no_tag_directory && (deploy.activate || deploy.keep_releases)) {
    return wrong(
        "--activate and --keep-releases need a directory per release: not with "
        "--no-tag-directory");
  }
  if (const auto exclude = archive::ExcludePatterns::parse(deploy.packing.exclude); !exclude) {
    return wrong("--exclude " + exclude.error().text);
  }
  if (deploy.quorum && !deploy.activate && !options.retry_failed) {
    return wrong("--quorum is for --activate");
  }
  return {};
}

Result<DeployOptions> options_of(const DeployCommandOptions& options, const Variables& variables) {
  if (options.is_open && options.is_closed) {
    return fail(ErrorCode::invalid_input, "--open and --closed do not go together");
  }
  const Result<std::string> tag = tag_of(options.task.tag, variables);
  if (!tag) {
    return fail(tag.error());
  }
  if (*tag == host::current_link_default) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("--tag {}: that is the name of the link to the release that is current", *tag));
  }
  const Result<std::string> destination = destination_of(options.task.destination_path, variables);
  if (!destination) {
    return fail(destination.error());
  }
  DeployOptions deploy{
      .source = first_of(options.source, variables.default_seeder_files_path),
      .tag = *tag,
      .destination_path = clean_path(*destination),
      .temp_path = clean_path(first_of(options.task.temp_path, variables.default_temp_path)),
      .on_seeder = options.on_seeder,
      .local_seeder = options.local_seeder,
      .no_distribute = options.no_distribute,
      .no_tag_directory = options.task.no_tag_directory,
      .unsafe_please_delete = options.task.unsafe_please_delete,
      .keep_temp_files = options.keep_temp_files,
      .activate = options.activate,
      .no_sync = options.no_sync,
      .take_over = options.take_over,
      .keep_releases = options.keep_releases,
      .stall_timeout = options.task.peering.stall_timeout,
      .timeout = options.task.peering.timeout,
      .limits = options.task.peering.limits,
      .own_words = own_command_words(),
      .packing = options.task.packing,
      .placing = options.task.peering.placing};
  deploy.placing.xattrs = deploy.packing.xattrs;
  const char* temporary = std::getenv("TMPDIR");
  deploy.local_temp_path = temporary != nullptr && temporary[0] == '/' ? temporary : "/tmp";
  if (!options.quorum.empty()) {
    const Result<Quorum> quorum = Quorum::parse(options.quorum);
    if (!quorum) {
      return fail(ErrorCode::invalid_input, "--quorum " + quorum.error().text);
    }
    deploy.quorum = *quorum;
  }
  Result<std::optional<RolloutOptions>> rollout = rollout_of(options.rollout);
  if (!rollout) {
    return fail(rollout.error());
  }
  deploy.rollout = std::move(*rollout);
  if (Status fits = check_options(deploy, options); !fits) {
    return fail(fits.error());
  }
  return deploy;
}

Result<DeployOptions> whole_options_of(const DeployCommandOptions& options, Work& work) {
  Result<DeployOptions> deploy = options_of(options, work.variables());
  const DeployWants wants{.refuses_coordinator = options.rollout.is_refused};
  const Status chosen = deploy ? choose_way(wants, work, *deploy) : Status();
  return chosen ? std::move(deploy) : fail(chosen.error());
}

// The peers of this run: all, or with --retry-failed those that failed before.
Result<std::vector<HostIndex>> choose_hosts(const Inventory& inventory,
                                            const std::optional<DeployState>& before) {
  if (!before) {
    return inventory.peers;
  }
  std::vector<HostIndex> hosts;
  for (const std::string& name : before->failed) {
    const std::optional<HostIndex> host = inventory.find(name);
    if (!host) {
      return fail(ErrorCode::not_found,
                  fmt::format("{} failed in the last deploy and is not among the hosts now: name "
                              "the same hosts, or deploy without --retry-failed",
                              name));
    }
    hosts.push_back(*host);
  }
  return hosts;
}

bool is_other_name(const DeployOutcome& outcome, HostIndex host) {
  return std::any_of(outcome.other_names.begin(), outcome.other_names.end(),
                     [host](const OtherName& each) { return each.name == host; });
}

DeployState state_after(const Work& work, const DeployOptions& options,
                        const DeployOutcome& outcome, std::span<const HostIndex> hosts,
                        const std::optional<DeployState>& before) {
  DeployState state{.tag = options.tag,
                    .destination_path = options.destination_path,
                    .info_hash = outcome.info_hash,
                    .hosts_expected = outcome.hosts_expected,
                    .is_activated = outcome.is_activated || (before && before->is_activated)};
  if (before) {
    state.done = before->done;
  }
  for (const HostIndex host : hosts) {
    if (is_other_name(outcome, host)) {
      continue;
    }
    const bool is_done =
        std::find(outcome.done.begin(), outcome.done.end(), host) != outcome.done.end();
    (is_done ? state.done : state.failed).push_back(work.inventory().at(host).name);
  }
  return state;
}

// Those that come in later take the release as it is: other pieces would make it another one.
uint32_t hosts_expected_of(const Work& work, const DeployOptions& deploy,
                           const DeployStateFile& state_file,
                           const std::optional<DeployState>& before) {
  std::optional<DeployState> last = before;
  if (!last) {
    if (Result<std::optional<DeployState>> known = state_file.read()) {
      last = std::move(*known);
    }
  }
  const bool is_same = last && last->destination_path == deploy.destination_path;
  return is_same && last->hosts_expected != 0 ? last->hosts_expected
                                              : hosts_expected_in(work.inventory());
}

// With --retry-failed, what is known of the last deploy of this tag.
Result<std::optional<DeployState>> state_to_retry(const DeployCommandOptions& options,
                                                  const DeployOptions& deploy,
                                                  const DeployStateFile& state_file,
                                                  cli::CommandContext& context) {
  if (!options.retry_failed) {
    return std::optional<DeployState>();
  }
  Result<std::optional<DeployState>> before = state_file.read();
  if (before && !*before) {
    return fail(ErrorCode::not_found,
                fmt::format("no deploy of {} has ended on this machine ({} is not there)",
                            deploy.tag, state_file.path()));
  }
  if (before && (*before)->destination_path != deploy.destination_path) {
    return context.wrong_usage(fmt::format("the last deploy of {} went to {}, not to {}",
                                           deploy.tag, (*before)->destination_path,
                                           deploy.destination_path));
  }
  return before;
}

Result<int> run_plan(const DeployCommandOptions& options, const DeployOptions& deploy,
                     const Inventory& inventory, cli::CommandContext& context) {
  if (deploy.on_seeder) {
    return context.wrong_usage("--plan needs SOURCE on this machine: not with --on-seeder");
  }
  return print_plan(inventory, inventory.peers, deploy.source, options.assumptions, context);
}

Status add_key(const DeployCommandOptions& options, DeployOptions& deploy) {
  if (options.is_open) {
    return {};
  }
  deploy.must_be_closed = options.is_closed;
  Result<std::string> key = make_deploy_key();
  if (!key) {
    return fail(key.error());
  }
  deploy.key = std::move(*key);
  return {};
}

DeployOutcome deploy_to(std::span<const HostIndex> hosts, Work& work, DeployOptions& options,
                        const std::optional<DeployState>& before) {
  if (options.rollout) {
    DeployOutcome outcome = RolloutDeployment(work, options, before).run(hosts);
    if (outcome.why_commands.empty()) {
      return outcome;
    }
    work.forget_failures();
    options.why_commands = outcome.why_commands;
    options.rollout.reset();
  }
  return Deployment(work, options, before).run(hosts);
}

Result<int> run_deploy(const DeployCommandOptions& options, cli::CommandContext& context) {
  const auto start = std::chrono::steady_clock::now();
  auto work = open_work(options.task.fleet, context, "deploy");
  if (!work) {
    return fail(work.error());
  }
  const Result<DeployOptions> deploy = whole_options_of(options, **work);
  if (!deploy) {
    return context.wrong_usage(deploy.error().text);
  }
  if (options.plan) {
    return run_plan(options, *deploy, (*work)->inventory(), context);
  }
  if ((*work)->inventory().peers.empty()) {
    return context.wrong_usage(
        "no hosts to deploy to: name them with --host or --hosts, or in a murder.toml");
  }
  const Result<DeployStateFile> state_file = DeployStateFile::open(deploy->tag);
  if (!state_file) {
    return fail(state_file.error());
  }
  const Result<std::optional<DeployState>> before =
      state_to_retry(options, *deploy, *state_file, context);
  if (!before) {
    return fail(before.error());
  }
  const Result<std::vector<HostIndex>> hosts = choose_hosts((*work)->inventory(), *before);
  if (!hosts) {
    return fail(hosts.error());
  }
  if (hosts->empty()) {
    context.print(fmt::format("the last deploy of {} succeeded on every host", deploy->tag));
    context.print_json({{"tag", deploy->tag}, {"hosts", 0}});
    return cli::exit_done;
  }
  DeployOptions told = *deploy;
  Result<std::optional<ReleaseSigning>> signing =
      signing_of(options.task.signing, (*work)->variables());
  if (!signing) {
    return refuse_signing(signing.error(), context);
  }
  told.signing = std::move(*signing);
  if (Status keyed = add_key(options, told); !keyed) {
    return fail(keyed.error());
  }
  told.application = first_of(options.task.signing.application, (*work)->variables().application);
  told.hosts_expected = hosts_expected_of(**work, *deploy, *state_file, *before);
  (*work)->set_title(fmt::format("{} to {}", deploy->tag, deploy->destination_path));
  const DeployOutcome outcome = deploy_to(*hosts, **work, told, *before);
  // A deploy that came to nothing before it began leaves what is known of the one before.
  const bool is_remembered =
      !outcome.info_hash.empty() && !outcome.is_refused && (outcome.fatal || !*before);
  DeployEnd end{.host_count = hosts->size() - outcome.other_names.size(),
                .is_remembered = is_remembered};
  if (is_remembered) {
    const DeployState state = state_after(**work, *deploy, outcome, *hosts, *before);
    if (*before) {
      end.all_hosts = state.done.size() + state.failed.size();
      end.all_done = state.done.size();
    }
    if (Status written = state_file->write(state); !written) {
      context.warn(
          fmt::format("--retry-failed will not know of this deploy: {}", written.error().text));
    }
  }
  end.elapsed = std::chrono::steady_clock::now() - start;
  return finish_deploy(**work, told, outcome, end);
}

void add_plan_options(cli::ArgumentParser command, DeployCommandOptions& options) {
  const std::string group = "Prediction";
  command
      .add_flag("--plan", options.plan,
                "Only say how long it would take, by simulation; no host is touched")
      .group(group);
  command.add_rate("--plan-rate", options.assumptions.rate, "Of a host's link (default: 10gbit)")
      .group(group);
  command
      .add_rate("--plan-rack-uplink", options.assumptions.rack_uplink,
                "Of a rack's link to the others (default: no bottleneck)")
      .group(group);
  command
      .add_duration("--plan-latency", options.assumptions.latency,
                    "One way, between any two hosts (default: 0.2ms)")
      .group(group);
}

void add_deploy_flags(cli::ArgumentParser command, DeployCommandOptions& options) {
  command.add_flag("--no-tag-directory", options.task.no_tag_directory,
                   "Unpack to DIR itself instead of DIR/TAG");
  command.add_flag("--no-sync", options.no_sync,
                   "Hosts do not wait for their disks: a power cut may leave half a release");
  command.add_flag("--unsafe-please-delete", options.task.unsafe_please_delete,
                   "Replace what is in the target directory");
  command.add_flag("--local-seeder", options.local_seeder,
                   "This machine serves the release; default: it is copied to the seeder host");
  command.add_flag("--on-seeder", options.on_seeder, "SOURCE is a path on the seeder host");
  command.add_flag("--activate", options.activate,
                   "Switch DIR/current to the release, on every host in one rename, when all\n"
                   "hosts have it");
  command
      .add_option("--quorum", options.quorum,
                  "With --activate: switch when this many have it, 95% or 12 hosts")
      .type_name("SHARE");
  command
      .add_option("--keep-releases", options.keep_releases,
                  "Then remove all but the N newest releases that murder put into DIR\n"
                  "(with --activate or --keep-releases); never the current one nor the one\n"
                  "before it")
      .in_range(1, 1000)
      .type_name("N");
  command.add_flag("--retry-failed", options.retry_failed,
                   "Only the hosts that failed in the last deploy of this tag from this machine\n"
                   "(kept in $XDG_STATE_HOME/murder, ~/.local/state/murder)");
  command.add_flag(
      "--take-over", options.take_over,
      "End another deploy of this tag or directory that is at work, and take its place");
  command.add_flag("--closed", options.is_closed,
                   "Fail where a tracker that runs already cannot have the key of this deploy;\n"
                   "default: hosts then use their own fleet key, or none");
  command.add_flag("--open", options.is_open,
                   "Make no key: hosts use their own fleet key, or none, and stock BitTorrent\n"
                   "clients may take part");
  command.add_flag("--no-distribute", options.no_distribute,
                   "Do not put this program on hosts that lack it or have another build");
  command.add_flag("--keep-temp-files", options.keep_temp_files, "Leave archives where they are");
}

void add_release_options(cli::ArgumentParser command, DeployCommandOptions& options) {
  command
      .add_option("SOURCE", options.source,
                  "The directory or file, of this machine (default:\ndefault_seeder_files_path)")
      .completes(cli::ValueKind::path);
  add_tag_option(command, options.task);
  command
      .add_option("--to,--destination-path", options.task.destination_path,
                  "It goes to DIR/TAG (default: default_destination_path)")
      .type_name("DIR");
  add_temp_path_option(command, options.task);
}

}  // namespace

void add_deploy_command(cli::ArgumentParser app, cli::CommandContext& context) {
  auto [command, options] = cli::add_command<DeployCommandOptions>(
      app, context,
      {.name = "deploy",
       .description =
           "Bring a release to every host: pack it, put this program on the hosts, start a\n"
           "tracker if none answers, serve, fetch everywhere, stop and clean up again.\n"
           "Exit status: 0 all hosts have it, 3 some, 1 none, 2 wrong usage, 130 interrupted.",
       .details =
           "This machine needs `ssh` to every host, without a password being asked "
           "for, and the hosts need nothing but Linux 6.1 and a directory that can be "
           "written to. What happens, in this order: SOURCE is packed; the program is "
           "put on hosts that lack it (to `/opt/murder`); a tracker is started where "
           "none answers; the release is served from the seeder's host; every host "
           "fetches it to DIR/TAG; with --activate, DIR/current is switched when all "
           "hosts (or --quorum) have it; what was started is stopped, and archives are "
           "removed.\n\n"
           "Hosts that fail are named at the end with the stage and the reason, and do "
           "not hold up the others. The same command again is safe at any time: hosts "
           "that have the release are done at once. --retry-failed continues with "
           "those that failed.\n\n"
           "Hosts prove to each other and to the tracker a key that the deploy makes and sends "
           "over ssh: nobody else gets a byte, or learns of the release. --open makes none.\n\n"
           "One deploy of a tag and of a directory is at work at a time, whichever "
           "machine it was started from. Once it has reached its hosts it goes on without this "
           "machine: when the terminal is closed or the command is killed, the seeder's host "
           "brings it to its end, unless --attached is given. ^C asks what to do where standard "
           "error is a terminal; elsewhere the first ^C ends the work and cleans up, and the "
           "second one ends that as well.\n\n"
           "With --no-coordinate, --local-seeder, --on-seeder, --no-tag-directory, a tree as the "
           "launcher, or a tracker that runs already or on another host than the seeder, this "
           "machine does the work by commands over ssh. Such a deploy ends with its command; when "
           "it was killed, the hosts clean up after it by themselves, "
           "within ten minutes.",
       .example = "murder deploy ./build --tag v42 --to /srv/app --host 'w[001-120]'\n"
                  "murder deploy ./build --tag v42 --activate --quorum 95% --keep-releases 5\n"
                  "murder deploy ./build --tag v42 --retry-failed\n"
                  "murder deploy ./build --tag v42 --plan --plan-rate 25gbit",
       .exit_statuses = {{"0", "All hosts have the release."},
                         {"1", "No host has it."},
                         {"2", "The command line or a configuration file is wrong."},
                         {"3",
                          "Some hosts have it, or all have it and it could not be made "
                          "current or a host of another role, such as a tracker, failed."},
                         {"130", "It was interrupted."}},
       .environment = {{"MURDER_SSH", "The command in place of `ssh`, where --ssh is not given."},
                       {"temp_path", "The temporary directory, where --temp-path is not given."},
                       {"XDG_STATE_HOME",
                        "Where --retry-failed finds what became of the last deploy, in "
                        "`murder/deploy-TAG.json`; default `~/.local/state`."}},
       .files = {cli::config_file,
                 {"/opt/murder/murder", "The program on the hosts."},
                 cli::releases_record},
       .see_also = {"murder-rollback(1)", "murder-fleet(1)", "murder-simulate(1)"},
       .has_telling_exit_code = true},
      run_deploy);
  add_release_options(command, options);
  add_deploy_flags(command, options);
  cli::add_packing_options(command, options.task.packing);
  cli::add_placing_options(command, options.task.peering.placing);
  cli::add_xattrs_option(command, options.task.packing.xattrs);
  add_signing_options(command, options.task);
  add_plan_options(command, options);
  add_rollout_options(command, options.rollout);
  add_peering_options(command, options.task.peering);
  add_limit_options(command, options.task.peering.limits);
  add_transport_option(command, options.task.fleet);
  add_fleet_options(command, options.task.fleet);
}

}  // namespace murder::fleet
