// murder peer: fetches a release, puts it into its place in one step, and serves it for a while.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/commands/command_list.h"
#include "cli/commands/swarm_options.h"
#include "cli/commands/wait.h"
#include "cli/signing/signature_check.h"
#include "cli/ui/background.h"
#include "cli/ui/given_address.h"
#include "cli/ui/metrics_option.h"
#include "cli/ui/path_word.h"
#include "cli/ui/torrent_word.h"
#include "cli/ui/tree_options.h"
#include "engine/archive/release_name.h"
#include "engine/archive/tree_placement.h"
#include "engine/codec/url.h"
#include "engine/host/background_peer.h"
#include "engine/host/delivery.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/peer_process.h"
#include "engine/host/peer_start.h"
#include "engine/host/release_trust.h"
#include "engine/host/run_as.h"
#include "engine/trust/statement.h"

namespace murder::cli {
namespace {

struct PeerOptions {
  std::string torrent;
  std::string to;
  std::string temp_path = "/tmp";
  std::string deploy;
  bool to_is_directory = false;
  bool no_tag_directory = false;
  bool unsafe_please_delete = false;
  bool no_unpack = false;
  bool background = false;
  bool follow = false;
  bool take_over = false;
  bool join = false;
  std::vector<std::string> trackers;
  bool record = false;
  bool no_sync = false;
  Duration seed_for = std::chrono::seconds(30);
  Duration give_up_after = Duration::zero();
  PlacingOptions placing;
  std::string allowed_signers;
  std::string app;
  SwarmOptions swarm;
};

// What is fetched, and the process that fetches it.
struct PeerJob {
  const host::TorrentInput& torrent;
  const host::SwarmProcessOptions& process;
  std::optional<host::SignedRelease> signed_release;
};

// Where the release goes.
Result<host::DeliveryOptions> plan_delivery(const PeerOptions& options, const PeerJob& job) {
  const host::SwarmProcessOptions& process = job.process;
  std::optional<host::SignedPlacing> signed_placing;
  if (job.signed_release) {
    signed_placing = host::SignedPlacing{.release = *job.signed_release, .place = {}};
  }
  if (options.no_unpack) {
    return host::DeliveryOptions{.archive_path = process.node.path,
                                 .sync_to_disk = !options.no_sync,
                                 .keeps_archive = true,
                                 .signed_placing = std::move(signed_placing)};
  }
  // A directory of releases is a directory also for a file.
  const bool makes_directory = options.to_is_directory || options.record;
  host::DeliveryOptions delivery{
      .archive_path = process.node.path,
      .to = clean_path(options.to),
      .to_is_directory = makes_directory || !whole_path(options.to).has_filename(),
      .makes_directory = makes_directory,
      .tag = options.no_tag_directory ? "" : process.tag,
      .replace = options.unsafe_please_delete,
      .sync_to_disk = !options.no_sync};
  delivery.placing_note = host::PlacingNote{.run_directory = process.run_directory,
                                            .tag = process.tag,
                                            .info_hash = job.torrent.info_hash.hex()};
  delivery.signed_placing = std::move(signed_placing);
  const Status applied = apply(options.placing, job.torrent.metainfo, delivery);
  return applied ? Result<host::DeliveryOptions>(std::move(delivery)) : fail(applied.error());
}

Result<host::PeerRequest> request_of(const PeerOptions& options, const PeerJob& job,
                                     uid_t user_id) {
  const host::SwarmProcessOptions& process = job.process;
  Result<host::DeliveryOptions> delivery = plan_delivery(options, job);
  if (!delivery) {
    return fail(delivery.error());
  }
  // What is refused ends no peer of a release that is not.
  if (Status allowed = host::plan_signed_placing(*delivery, job.torrent.metainfo); !allowed) {
    return fail(allowed.error());
  }
  if (options.background || options.take_over) {
    if (Status free =
            host::end_peers_before({process.tag, options.take_over}, process.run_directory);
        !free) {
      return fail(free.error());
    }
  }
  return host::PeerRequest{.tag = process.tag,
                           .info_hash = job.torrent.info_hash.hex(),
                           .run_directory = process.run_directory,
                           .delivery = std::move(*delivery),
                           .leaves_outcome = options.background,
                           .is_recorded = options.record,
                           .deploy = options.deploy,
                           .user_id = user_id};
}

// As whom everything but the placing is done; nothing: as whoever runs this.
Result<std::optional<host::RunAs>> run_as_of(const PeerOptions& options, CommandContext& context) {
  if (options.placing.user.empty()) {
    return std::nullopt;
  }
  Result<host::RunAs> run_as = host::parse_run_as(options.placing.user);
  if (!run_as) {
    return context.wrong_usage("--user " + options.placing.user + ": " + run_as.error().text);
  }
  if (geteuid() != 0) {
    return fail(ErrorCode::permission, "--user needs root: without it, run this as that user");
  }
  return std::move(*run_as);
}

// Whose the archive is.
uid_t user_id_of(const std::optional<host::RunAs>& run_as) {
  return run_as ? run_as->user : geteuid();
}

Status make_temp_path(const std::string& path, const std::optional<host::RunAs>& run_as) {
  if (run_as) {
    return host::make_directories_for(*run_as, path);
  }
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? Status(fail_errno(error.value(), "cannot make the directory " + path)) : Status();
}

Result<int> run_planned(const PeerOptions& options, const PeerJob& job, const host::PeerWork& peer,
                        CommandContext& context) {
  const bool is_worker = options.background || options.seed_for > Duration::zero();
  const WorkOptions work{.mode = is_worker ? RunMode::worker : RunMode::foreground,
                         .log_name = host::peer_log_name(job.process.tag)};
  Result<int> result = run_work(context, work, [&](host::Parent& parent) {
    return exit_code_of(host::run_peer_process(job.torrent, job.process, parent, peer));
  });
  if (!options.follow || !result || *result != exit_done) {
    return result;
  }
  return wait_for_peer({.tag = job.process.tag, .tells_progress = true}, context);
}

// Of a torrent that is a file and carries none: the one that lies beside it, where that matters.
Status take_signature(const PeerOptions& options, codec::Metainfo& metainfo) {
  const std::string& torrent = options.torrent;
  if (metainfo.signed_statement || torrent == "-" || torrent.find("://") != std::string::npos) {
    return {};
  }
  if (const auto demanded = host::load_trust(options.allowed_signers); !demanded || !*demanded) {
    return {};  // what is wrong there is said by take_trust()
  }
  Result<std::optional<codec::SignedStatement>> found = find_signed_statement(metainfo, torrent);
  if (!found) {
    return fail(found.error());
  }
  metainfo.signed_statement = std::move(*found);
  return {};
}

// In place of those that the torrent names.
Status take_trackers(const PeerOptions& options, codec::Metainfo& metainfo,
                     CommandContext& context) {
  if (options.trackers.empty()) {
    return {};
  }
  metainfo.tracker_tiers.clear();
  for (const std::string& tracker : options.trackers) {
    const Result<codec::Url> url = codec::Url::parse(tracker);
    if (!url) {
      return context.wrong_usage("--tracker " + url.error().text);
    }
    if (Status given = check_given_address(url->host); !given) {
      return context.wrong_usage("--tracker " + given.error().text);
    }
    metainfo.tracker_tiers.push_back({tracker});
  }
  return {};
}

void note_failure(const PeerJob& job, const Error& error, CommandContext& context) {
  const Status written = host::write_metrics_of_failure(job.torrent, job.process, error);
  if (!written) {
    context.warn("--metrics-file: " + written.error().text);
  }
}

// Whether this host takes the release: before anything is made, ended or connected to.
Status take_trust(const PeerOptions& options, PeerJob& job, CommandContext& context) {
  const Result<std::optional<host::TrustedRelease>> trusted =
      host::check_release_trust({.allowed_signers = options.allowed_signers,
                                 .app = options.app,
                                 .allow_older = options.placing.allow_older},
                                job.torrent, job.process.tag);
  if (!trusted) {
    note_failure(job, trusted.error(), context);
    return fail(trusted.error());
  }
  if (*trusted) {
    job.signed_release = (*trusted)->release;
    for (const std::string& signer : (*trusted)->signers) {
      context.note(fmt::format("{} is signed by {}", job.process.tag, signer));
    }
  }
  return {};
}

// Looks at what is there, and fetches what is not.
Result<int> run_process(const PeerOptions& options, const PeerJob& job,
                        const std::optional<host::RunAs>& run_as, CommandContext& context) {
  if (options.join) {
    const Result<bool> fetches =
        host::is_fetched_here(context.run_directory, job.process.tag, job.torrent.info_hash);
    if (!fetches) {
      return fail(fetches.error());
    }
    if (*fetches) {
      return wait_for_peer({.tag = job.process.tag, .tells_progress = true}, context);
    }
  }
  const Result<host::PeerRequest> request = request_of(options, job, user_id_of(run_as));
  const Result<host::PeerPlan> plan = request ? host::plan_peer(*request, job.torrent.metainfo)
                                              : Result<host::PeerPlan>(fail(request.error()));
  if (!plan) {
    note_failure(job, plan.error(), context);
    return fail(plan.error());
  }
  if (plan->report) {
    if (Status written = host::write_metrics_of_placed(job.torrent, job.process); !written) {
      context.warn("--metrics-file: " + written.error().text);
    }
    context.print(plan->report->text);
    context.print_json(plan->report->json);
    return exit_done;
  }
  if (options.background) {
    if (Status left = host::leave_running_outcome(*request); !left) {
      return fail(left.error());
    }
  }
  return run_planned(options, job,
                     {.delivery = plan->delivery,
                      .seed_for = options.seed_for,
                      .give_up_after = options.give_up_after,
                      .deploy = options.deploy,
                      .background = options.background,
                      .record = options.record,
                      .sync_to_disk = !options.no_sync,
                      .run_as = run_as},
                     context);
}

Result<int> run_peer(const PeerOptions& options, CommandContext& context) {
  if (options.to.empty() && !options.no_unpack) {
    return context.wrong_usage(
        "say where the release goes with --to DIR (or --no-unpack to fetch it only)");
  }
  if (options.record && (options.no_unpack || options.no_tag_directory)) {
    return context.wrong_usage(
        "--record notes releases in DIR/TAG: not with --no-unpack or "
        "--no-tag-directory");
  }
  if (!options.app.empty()) {
    if (Status valid = trust::validate_application(options.app); !valid) {
      return context.wrong_usage("--app: " + valid.error().text);
    }
  }
  if (options.follow && !options.background) {
    return context.wrong_usage("--follow is for --background");
  }
  if (options.join && (!options.follow || options.take_over)) {
    return context.wrong_usage("--join is for --follow, and not with --take-over");
  }
  const auto run_as = run_as_of(options, context);
  if (!run_as) {
    return fail(run_as.error());
  }
  auto node_options = node_options_of(options.swarm, context);
  if (!node_options) {
    return fail(node_options.error());
  }
  Result<host::TorrentInput> torrent = load_torrent(options.torrent, true, node_options->pins);
  if (!torrent) {
    return fail(torrent.error());
  }
  if (Status taken = take_fleet_keys(options.swarm, *torrent, context, *node_options); !taken) {
    return fail(taken.error());
  }
  if (Status taken = take_signature(options, torrent->metainfo); !taken) {
    return fail(taken.error());
  }
  if (Status taken = take_trackers(options, torrent->metainfo, context); !taken) {
    return fail(taken.error());
  }
  const codec::Metainfo& metainfo = torrent->metainfo;
  const Result<std::string> valid_tag = archive::valid_tag_of_name(metainfo.name);
  if (!valid_tag) {
    return fail(valid_tag.error());
  }
  const std::string& tag = *valid_tag;
  host::SwarmProcessOptions process{.kind = std::string(host::kind_peer),
                                    .tag = tag,
                                    .run_directory = context.run_directory,
                                    .metrics_path = metrics_path_of(options.swarm.metrics_path),
                                    .node = *node_options};
  process.node.info_hash = torrent->info_hash;
  process.node.path = clean_path(options.temp_path) + "/" + metainfo.name;
  process.node.name = tag;
  PeerJob job{.torrent = *torrent, .process = process, .signed_release = std::nullopt};
  if (Status trusted = take_trust(options, job, context); !trusted) {
    return fail(trusted.error());
  }
  if (Status made = make_temp_path(options.temp_path, *run_as); !made) {
    return fail(made.error());
  }
  return run_process(options, job, *run_as, context);
}

constexpr ManualItem trusted_signers_file = {
    "/etc/murder/allowed_signers",
    "Who may sign releases, in the format of ALLOWED SIGNERS in `ssh-keygen`(1). With it a release "
    "that they did not sign is refused."};

void add_trust_options(ArgumentParser command, PeerOptions& options) {
  command
      .add_option("--allowed-signers", options.allowed_signers,
                  "Who may sign releases (default: /etc/murder/allowed_signers; where that is\n"
                  "missing, releases need no signature)")
      .type_name("FILE");
  command
      .add_option("--app", options.app, "Take releases that were signed for this application only")
      .type_name("NAME");
}

void add_tracker_option(ArgumentParser command, PeerOptions& options) {
  command
      .add_option("--tracker", options.trackers,
                  "Announce to this tracker in place of those that the torrent names; may be given "
                  "several times")
      .type_name("URL")
      .one_value_each_time();
}

void add_background_options(ArgumentParser command, PeerOptions& options) {
  command.add_flag("--background", options.background,
                   "Return when the download has begun (murder wait TAG reports how it ended)");
  command.add_flag("--follow", options.follow,
                   "With --background: stay until the release is in its place, as murder wait\n"
                   "does; the download does not end with this command");
  command.add_flag("--take-over", options.take_over,
                   "End a peer of this release that is at work here first; what it fetched is\n"
                   "kept and used");
  command.add_flag("--join", options.join,
                   "With --follow: where a peer of this very release is at work here, follow it");
  command
      .add_option("--deploy", options.deploy,
                  "Used by murder deploy: which one it is of, and may be ended by")
      .type_name("TOKEN");
}

}  // namespace

void add_peer_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<PeerOptions>(
      app, context,
      {.name = "peer",
       .description = "Fetch a release, put it into its place in one step, serve it for a while",
       .details = "The release is at DIR/TAG as a whole when this command returns 0, "
                  "complete, verified and on the disk; when it returns anything else, it says "
                  "why, and nothing is there. The same command continues where an interrupted "
                  "one was: what is in the archive already is checked, and not fetched again. "
                  "If DIR/TAG holds this release already, there is nothing to do, and the "
                  "exit status is 0.\n\n"
                  "What it fetches it passes on to other peers while it comes, and for "
                  "--seed-for afterwards, in the background. A packed release is unpacked "
                  "while it comes, in a hidden directory beside DIR/TAG that gets its name at "
                  "the end.\n\n"
                  "A release that is a file goes where `cp` would put it: to DIR/TAG if DIR "
                  "is a directory, else to the name DIR. With --to-is-directory it goes to "
                  "DIR/TAG in any case.\n\n"
                  "Space, inodes and permissions are checked before the first byte is "
                  "fetched. An archive never writes outside of its directory, and is refused "
                  "when anything in it is damaged.\n\n"
                  "Where /etc/murder/allowed_signers is there, a release is refused that is not "
                  "signed as it says, has expired, is of another application than --app, or "
                  "is older than what was put in place: before anything is connected to. Its "
                  "content is compared with the signature before it gets its name.",
       .example = "murder peer v42.tar.zst.torrent --to /srv/app\n"
                  "ssh web1 murder peer - --to /srv/app < v42.tar.zst.torrent",
       .exit_statuses = {{"0",
                          "The release is in its place (with --background: the download "
                          "has begun)."},
                         {"1", "It is not; standard error says why."},
                         {"2", "The command line is wrong."}},
       .environment = {sha1_variable, fleet_key_item},
       .files = {trusted_signers_file, releases_record, temp_files},
       .see_also = {"murder-wait(1)", "murder-clean(1)", "murder-activate(1)", "murder-releases(1)",
                    "murder-stop(1)"},
       .has_telling_exit_code = true},
      run_peer);
  command.add_option("TORRENT", options.torrent, "Path, - for standard input, or http URL")
      .required();
  command.add_option("--to", options.to, "The release goes to DIR/TAG (a file as cp would put it)")
      .type_name("DIR");
  command.add_flag("--to-is-directory", options.to_is_directory,
                   "A file goes to DIR/TAG as well, also when there is no DIR yet");
  command.add_option("--temp-path", options.temp_path, "Where the archive is kept")
      .type_name("DIR")
      .show_default();
  command.add_flag("--no-tag-directory", options.no_tag_directory,
                   "Unpack to DIR itself instead of DIR/TAG");
  command.add_flag("--unsafe-please-delete", options.unsafe_please_delete,
                   "Replace what is in the target directory");
  command.add_flag("--no-unpack", options.no_unpack, "Fetch the archive only");
  add_background_options(command, options);
  command.add_flag("--record", options.record,
                   "Note the release in DIR, for murder releases, activate and rollback");
  command.add_flag("--no-sync", options.no_sync,
                   "Do not wait for the disk: faster, but a power cut may leave half a release");
  command.add_duration("--give-up-after", options.give_up_after,
                       "Fail when no data was received for this long; default: never");
  command.add_duration(
      "--seed-for", options.seed_for,
      "Serve in the background this long afterwards; default 30s, 0 for not at all");
  add_placing_options(command, options.placing);
  add_xattrs_option(command, options.placing.xattrs);
  add_tracker_option(command, options);
  add_trust_options(command, options);
  add_swarm_options(command, options.swarm);
}

}  // namespace murder::cli
