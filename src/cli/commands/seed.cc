// murder seed: serves a release that is on this host.
#include <fmt/format.h>

#include <filesystem>

#include "cli/commands/command_list.h"
#include "cli/commands/swarm_options.h"
#include "cli/ui/background.h"
#include "cli/ui/metrics_option.h"
#include "cli/ui/torrent_word.h"
#include "engine/archive/release_name.h"
#include "engine/host/clean_release.h"
#include "engine/host/processes.h"
#include "engine/host/seed_directory.h"
#include "engine/host/seeder.h"
#include "engine/host/swarm_process.h"

namespace murder::cli {
namespace {

constexpr Duration tracker_wait_max = std::chrono::seconds(2);

struct SeedOptions {
  std::string torrent;
  std::string from;  // a directory; then `torrent` is a tag
  std::string file;
  SwarmOptions swarm;
  Duration idle_max{};
  bool background = false;
  bool ends_with_deploy = false;
  bool keep_temp_files = false;
};

// Its deploy did not see it, and would have removed what it served.
Status clean_after(const std::string& content, const std::string& tag,
                   const std::string& run_directory) {
  const std::filesystem::path path(content);
  const Result<host::RunDirectory> directory = host::RunDirectory::open_existing(run_directory);
  const Result<host::Cleaned> cleaned =
      host::clean_release({.tag = tag,
                           .temp_path = path.parent_path().string(),
                           .path_is_file = path.filename() == tag},
                          directory ? &*directory : nullptr);
  return cleaned ? Status() : fail(cleaned.error());
}

// `murder stop TAG --seeding` and the commands of a fleet mean all of them.
void warn_if_seeded(const std::string& tag, CommandContext& context) {
  const Result<host::RunDirectory> directory =
      host::RunDirectory::open_existing(context.run_directory);
  if (!directory) {
    return;
  }
  for (const host::RunningProcess& process : host::list_processes(*directory)) {
    if (process.kind() == host::kind_seeder && process.tag() == tag) {
      context.warn(
          fmt::format("{} is seeded already by process {}; `murder stop {} --seeding` ends "
                      "both",
                      tag, process.pid, tag));
    }
  }
}

Result<int> run_seed(const SeedOptions& options, CommandContext& context) {
  auto node_options = node_options_of(options.swarm, context);
  if (!node_options) {
    return fail(node_options.error());
  }
  const Result<std::string> torrent_path = options.from.empty()
                                               ? Result<std::string>(options.torrent)
                                               : host::find_torrent(options.from, options.torrent);
  if (!torrent_path) {
    return fail(torrent_path.error());
  }
  const Result<host::TorrentInput> torrent = load_torrent(*torrent_path, true, node_options->pins);
  if (!torrent) {
    return fail(torrent.error());
  }
  if (Status taken = take_fleet_keys(options.swarm, *torrent, context, *node_options); !taken) {
    return fail(taken.error());
  }
  const Result<std::string> content =
      options.file.empty() ? host::find_content(*torrent_path, torrent->metainfo) : options.file;
  if (!content) {
    return fail(content.error());
  }
  const Result<std::string> valid_tag = archive::valid_tag_of_name(torrent->metainfo.name);
  if (!valid_tag) {
    return fail(valid_tag.error());
  }
  const std::string& tag = *valid_tag;
  warn_if_seeded(tag, context);
  host::SwarmProcessOptions process{.kind = std::string(host::kind_seeder),
                                    .tag = tag,
                                    .run_directory = context.run_directory,
                                    .metrics_path = metrics_path_of(options.swarm.metrics_path),
                                    .node = *node_options};
  process.node.info_hash = torrent->info_hash;
  process.node.path = std::filesystem::absolute(*content).string();
  process.node.serve_only = true;
  process.node.name = tag;
  const WorkOptions work{.mode = options.background ? RunMode::worker : RunMode::foreground,
                         .log_name = "seed-" + tag};
  return run_work(context, work, [&](host::Parent& parent) {
    const Result<host::SeederEnd> end =
        host::run_seeder(*torrent, process, parent,
                         {.tracker_wait = options.background ? tracker_wait_max : Duration::zero(),
                          .idle_max = options.idle_max,
                          .ends_with_deploy = options.ends_with_deploy});
    if (!end) {
      return exit_code_of(fail(end.error()));
    }
    return exit_code_of(*end == host::SeederEnd::without_deploy && !options.keep_temp_files
                            ? clean_after(process.node.path, tag, context.run_directory)
                            : Status());
  });
}

}  // namespace

void add_seed_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<SeedOptions>(
      app, context,
      {.name = "seed",
       .description = "Serve a release that is on this host until stopped",
       .details = "The archive is checked against the torrent first; "
                  "what is wrong in it is not served. Then the "
                  "seeder announces itself to every tracker that the "
                  "torrent names, and serves until it is stopped: by "
                  "`murder stop TAG --seeding`, SIGTERM, or "
                  "--end-when-idle.\n\n"
                  "The archive must stay as it is while it is "
                  "served. With a fleet key it is served to hosts "
                  "that prove the same key. Without one whoever has "
                  "the torrent and reaches the port can fetch the "
                  "release. Nothing is encrypted but with "
                  "`--transport tls` or a line `transport tls` in the "
                  "key file.\n\n"
                  "As a service of the packages it is "
                  "`murder-seed@TAG.service`, which serves the "
                  "release TAG of `/var/lib/murder/seed`.",
       .example = "murder seed /tmp/v42.tar.zst.torrent --background",
       .environment = {sha1_variable, fleet_key_item},
       .files = {{"/var/lib/murder/seed",
                  "Where `murder-seed@TAG.service` looks for the "
                  "archive and the torrent of TAG."}},
       .see_also = {"murder-create(1)", "murder-tracker(1)", "murder-status(1)", "murder-stop(1)"},
       .has_telling_exit_code = true},
      run_seed);
  command.add_option("TORRENT", options.torrent, "Path, - for standard input, or http URL")
      .required();
  command
      .add_option("--from", options.from,
                  "TORRENT is a tag: serve TAG.torrent, or TAG.tar.zst.torrent, of this directory")
      .type_name("DIR");
  command.add_option("FILE", options.file, "The content; default: beside the torrent")
      .completes(ValueKind::path);
  add_swarm_options(command, options.swarm);
  command.add_duration("--end-when-idle", options.idle_max,
                       "End when no peer was connected for this long; default: never");
  command.add_flag("--ends-with-deploy", options.ends_with_deploy,
                   "Used by murder deploy: when no deploy of its tag is at work on this host, end "
                   "as soon as no peer is connected, and remove the archive");
  command.add_flag("--keep-temp-files", options.keep_temp_files,
                   "With --ends-with-deploy: leave the archive where it is");
  command.add_flag("--background", options.background,
                   "Return when it serves and a tracker has answered, or did not for 2 s; it goes "
                   "on alone (murder stop TAG --seeding)");
}

}  // namespace murder::cli
