// murder peer: fetches a release, puts it into its place in one step, and serves it for a while.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/commands/command_list.h"
#include "cli/commands/swarm_options.h"
#include "cli/commands/wait.h"
#include "cli/ui/path_word.h"
#include "cli/ui/tree_options.h"
#include "engine/archive/release_name.h"
#include "engine/archive/tree_placement.h"
#include "engine/host/delivery.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/peer_process.h"
#include "engine/host/peer_start.h"
#include "engine/host/run_as.h"

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
  bool record = false;
  bool no_sync = false;
  Duration seed_for = std::chrono::seconds(30);
  Duration give_up_after = Duration::zero();
  PlacingOptions placing;
  SwarmOptions swarm;
};

// Where the release goes.
host::DeliveryOptions plan_delivery(const PeerOptions& options, const TorrentInput& torrent,
                                    const SwarmProcessOptions& process) {
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
                                            .info_hash = torrent.info_hash.hex()};
  return delivery;
}

// What a peer has to do, once it has looked at what is there.
struct PeerPlan {
  host::DeliveryOptions delivery;
  std::optional<int> exit_code;  // there is nothing to do
};

// What a peer that was killed had placed may not be on the disk yet.
Status record_found(const host::ReleasePlace& place, const host::PlaceFound& found,
                    const host::RecordOptions& options) {
  if (found.is_unrecorded && options.sync_to_disk) {
    if (Status synced = archive::sync_placed(place.path()); !synced) {
      return synced;
    }
  }
  return host::record_place(place, options);
}

Result<PeerPlan> plan_peer(const PeerOptions& options, const TorrentInput& torrent,
                           const SwarmProcessOptions& process, uid_t user_id,
                           CommandContext& context) {
  if (options.background || options.take_over) {
    if (Status free = end_peers_before({process.tag, options.take_over}, context); !free) {
      return fail(free.error());
    }
  }
  if (options.no_unpack) {
    return PeerPlan{.delivery = {.archive_path = process.node.path,
                                 .sync_to_disk = !options.no_sync,
                                 .keeps_archive = true}};
  }
  PeerPlan plan{.delivery = plan_delivery(options, torrent, process)};
  if (Status applied = apply(options.placing, torrent.metainfo, plan.delivery); !applied) {
    return fail(applied.error());
  }
  const std::string info_hash = torrent.info_hash.hex();
  const std::optional<host::ReleasePlace> place =
      place_of(plan.delivery, torrent.metainfo, process.tag, info_hash, process.run_directory);
  const bool is_recorded = options.background || options.record;
  const host::RecordOptions record{.is_delivered = options.record,
                                   .sync_to_disk = !options.no_sync};
  if (place && !options.unsafe_please_delete) {
    const host::PlaceFound found = host::look_at_place(*place);
    if (found.state == host::PlaceState::other) {
      return fail(host::error_of_other(*place, found.placed));
    }
    if (found.state == host::PlaceState::same) {
      if (is_recorded && (found.is_unrecorded || options.record)) {
        if (Status recorded = record_found(*place, found, record); !recorded) {
          return fail(recorded.error());
        }
      }
      host::forget_placing(process.run_directory, process.tag);
      Result<int> finished = finish_in_place(*place, found,
                                             {.is_left = options.background,
                                              .sync_to_disk = !options.no_sync,
                                              .deploy = options.deploy,
                                              .user_id = user_id},
                                             context);
      if (!finished) {
        return fail(finished.error());
      }
      plan.exit_code = *finished;
      return plan;
    }
  }
  plan.delivery.is_there =
      !options.unsafe_please_delete && host::was_placed(process.run_directory, process.tag,
                                                        info_hash, host::target_of(plan.delivery));
  if (is_recorded && place) {
    plan.delivery.record = host::DeliveryRecord{.place = *place, .options = record};
  }
  const Status fits =
      plan.delivery.is_there ? Status() : host::check_target(plan.delivery, torrent.metainfo);
  return fits ? Result<PeerPlan>(std::move(plan)) : fail(fits.error());
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

Result<int> run_planned(const PeerOptions& options, const TorrentInput& torrent,
                        const SwarmProcessOptions& process, const PeerPlan& plan,
                        const std::optional<host::RunAs>& run_as, CommandContext& context) {
  if (options.background) {
    // Before the worker exists: whoever waits finds this one, not that of a peer before it.
    Json outcome = {{"state", host::outcome_running},
                    {"tag", process.tag},
                    {"archive", process.node.path},
                    {"user_id", user_id_of(run_as)}};
    if (!options.deploy.empty()) {
      outcome["deploy"] = options.deploy;
    }
    if (Status written =
            host::write_outcome(context.run_directory, process.tag, outcome, !options.no_sync);
        !written) {
      return fail(written.error());
    }
  }
  const bool is_worker = options.background || options.seed_for > Duration::zero();
  const WorkOptions work{.mode = is_worker ? RunMode::worker : RunMode::foreground,
                         .log_name = host::peer_log_name(process.tag)};
  Result<int> result = run_work(context, work, [&](Front& front) {
    return run_peer_process(torrent, process, front,
                            {.delivery = plan.delivery,
                             .seed_for = options.seed_for,
                             .give_up_after = options.give_up_after,
                             .deploy = options.deploy,
                             .background = options.background,
                             .record = options.record,
                             .sync_to_disk = !options.no_sync,
                             .run_as = run_as});
  });
  if (!options.follow || !result || *result != exit_done) {
    return result;
  }
  return wait_for_peer({.tag = process.tag, .tells_progress = true}, context);
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
  if (options.follow && !options.background) {
    return context.wrong_usage("--follow is for --background");
  }
  const auto run_as = run_as_of(options, context);
  if (!run_as) {
    return fail(run_as.error());
  }
  const auto node_options = node_options_of(options.swarm, context);
  if (!node_options) {
    return fail(node_options.error());
  }
  const Result<TorrentInput> torrent = load_torrent(options.torrent, true);
  if (!torrent) {
    return fail(torrent.error());
  }
  const codec::Metainfo& metainfo = torrent->metainfo;
  const Result<std::string> valid_tag = archive::valid_tag_of_name(metainfo.name);
  if (!valid_tag) {
    return fail(valid_tag.error());
  }
  const std::string& tag = *valid_tag;
  if (Status made = make_temp_path(options.temp_path, *run_as); !made) {
    return fail(made.error());
  }
  SwarmProcessOptions process{.kind = std::string(host::kind_peer),
                              .tag = tag,
                              .run_directory = context.run_directory,
                              .metrics_path = metrics_path_of(options.swarm),
                              .node = *node_options};
  process.node.info_hash = torrent->info_hash;
  process.node.path = clean_path(options.temp_path) + "/" + metainfo.name;
  process.node.name = tag;
  const Result<PeerPlan> plan = plan_peer(options, *torrent, process, user_id_of(*run_as), context);
  if (!plan) {
    write_metrics_of_failure(*torrent, process, plan.error(), context);
  }
  if (!plan || plan->exit_code) {
    return plan ? Result<int>(*plan->exit_code) : fail(plan.error());
  }
  return run_planned(options, *torrent, process, *plan, *run_as, context);
}

void add_background_options(ArgumentParser command, PeerOptions& options) {
  command.add_flag("--background", options.background,
                   "Return when the download has begun (murder wait TAG tells how it ended)");
  command.add_flag("--follow", options.follow,
                   "With --background: stay until the release is in its place, as murder wait\n"
                   "does; the download does not end with this command");
  command.add_flag("--take-over", options.take_over,
                   "End a peer of this release that is at work here first; what it fetched is\n"
                   "kept and used");
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
                  "when anything in it is damaged.",
       .example = "murder peer v42.tar.zst.torrent --to /srv/app\n"
                  "ssh web1 murder peer - --to /srv/app < v42.tar.zst.torrent",
       .exit_statuses = {{"0",
                          "The release is in its place (with --background: the download "
                          "has begun)."},
                         {"1", "It is not; standard error says why."},
                         {"2", "The command line is wrong."}},
       .environment = {sha1_variable},
       .files = {releases_record, temp_files},
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
  add_swarm_options(command, options.swarm);
}

}  // namespace murder::cli
