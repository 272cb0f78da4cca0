// murder seed: serves a release that is on this host.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "cli/commands/command_list.h"
#include "cli/commands/swarm_options.h"
#include "engine/archive/release_name.h"
#include "engine/base/units.h"
#include "engine/host/processes.h"
#include "engine/host/seed_directory.h"
#include "engine/host/swarm_process.h"

namespace murder::cli {
namespace {

constexpr Duration tracker_wait_max = std::chrono::seconds(2);
constexpr Duration tracker_look_interval = std::chrono::milliseconds(20);

struct SeedOptions {
  std::string torrent;
  std::string from;  // a directory; then `torrent` is a tag
  std::string file;
  SwarmOptions swarm;
  Duration idle_max{};
  bool background = false;
};

constexpr Duration idle_look_interval = std::chrono::seconds(1);

// Where the content of a torrent usually lies: beside it, under its own name.
Result<std::string> find_content(const std::string& torrent_path, const codec::Metainfo& metainfo) {
  const std::filesystem::path torrent(torrent_path);
  const std::string beside = (torrent.parent_path() / metainfo.name).string();
  std::error_code error;
  if (torrent_path != "-" && std::filesystem::exists(beside, error)) {
    return beside;
  }
  return fail(ErrorCode::not_found,
              fmt::format("{} is not beside the torrent; name it: murder seed {} FILE",
                          metainfo.name, torrent_path));
}

// In the background, the command that started it is told whether a tracker knows it: nobody would
// see what is said later.
class Seeder final : public SwarmProcess {
 public:
  Seeder(const TorrentInput& torrent, SwarmProcessOptions options, Front& front,
         Duration tracker_wait, Duration idle_max)
      : SwarmProcess(torrent, std::move(options), front),
        tracker_wait_(tracker_wait),
        idle_max_(idle_max) {}

 private:
  void ready() override {
    if (idle_max_ > Duration::zero()) {
      busy_at_ = reactor().now();
      idle_timer_ = std::make_unique<io::Timer>(reactor().timers(),
                                                io::bind_timer<&Seeder::look_for_peers>(this));
      idle_timer_->arm(reactor().now() + idle_look_interval);
    }
    if (node::tracker_urls(torrent().metainfo).empty()) {
      front().warn(
          torrent().metainfo.tracker_tiers.empty()
              ? "the torrent names no tracker: peers will not find this seeder"
              : "the torrent names no tracker with an http:// address: peers will not find "
                "this seeder");
      tell();
    } else if (tracker_wait_ == Duration::zero()) {
      tell();
    } else {
      tracker_deadline_ = reactor().now() + tracker_wait_;
      tracker_timer_ = std::make_unique<io::Timer>(reactor().timers(),
                                                   io::bind_timer<&Seeder::look_at_trackers>(this));
      tracker_timer_->arm(reactor().now());
    }
  }

  void look_for_peers(io::Timer& timer) {
    if (node().progress().stats.open_count > 0) {
      busy_at_ = reactor().now();
    } else if (reactor().now() - busy_at_ >= idle_max_) {
      end(exit_done);
      return;
    }
    timer.arm(reactor().now() + idle_look_interval);
  }

  void look_at_trackers(io::Timer& timer) {
    if (node().progress().trackers_working > 0) {
      tell();
    } else if (reactor().now() >= tracker_deadline_) {
      front().warn(
          fmt::format("no tracker has answered for {}: peers find this seeder when one "
                      "does (`murder status` shows it)",
                      format_duration(tracker_wait_)));
      tell();
    } else {
      timer.arm(reactor().now() + tracker_look_interval);
    }
  }

  void tell() {
    const node::NodeProgress now = node().progress();
    const std::string hash = torrent().info_hash.hex();
    Json json = {{"kind", host::kind_seeder},
                 {"tag", options().tag},
                 {"pid", getpid()},
                 {"info_hash", hash},
                 {"listen", now.listens_on.text()},
                 {"trackers_working", now.trackers_working}};
    if (!now.tracker_trouble.empty()) {
      json["tracker_trouble"] = now.tracker_trouble;
    }
    finish({.exit_code = exit_done,
            .text = fmt::format("seeding {} on {} (info hash {}){}", options().tag,
                                now.listens_on.text(), hash,
                                now.trackers_working > 0 ? ", a tracker knows it" : ""),
            .json = std::move(json)});
  }

  Duration tracker_wait_;
  Duration idle_max_;  // zero: for ever
  Instant busy_at_{};
  std::unique_ptr<io::Timer> idle_timer_;
  Instant tracker_deadline_{};
  std::unique_ptr<io::Timer> tracker_timer_;
};

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
  const auto node_options = node_options_of(options.swarm, context);
  if (!node_options) {
    return fail(node_options.error());
  }
  const Result<std::string> torrent_path = options.from.empty()
                                               ? Result<std::string>(options.torrent)
                                               : host::find_torrent(options.from, options.torrent);
  if (!torrent_path) {
    return fail(torrent_path.error());
  }
  const Result<TorrentInput> torrent = load_torrent(*torrent_path, true);
  if (!torrent) {
    return fail(torrent.error());
  }
  const Result<std::string> content =
      options.file.empty() ? find_content(*torrent_path, torrent->metainfo) : options.file;
  if (!content) {
    return fail(content.error());
  }
  const Result<std::string> valid_tag = archive::valid_tag_of_name(torrent->metainfo.name);
  if (!valid_tag) {
    return fail(valid_tag.error());
  }
  const std::string& tag = *valid_tag;
  warn_if_seeded(tag, context);
  SwarmProcessOptions process{.kind = std::string(host::kind_seeder),
                              .tag = tag,
                              .run_directory = context.run_directory,
                              .metrics_path = metrics_path_of(options.swarm),
                              .node = *node_options};
  process.node.info_hash = torrent->info_hash;
  process.node.path = std::filesystem::absolute(*content).string();
  process.node.serve_only = true;
  process.node.name = tag;
  const WorkOptions work{.mode = options.background ? RunMode::worker : RunMode::foreground,
                         .log_name = "seed-" + tag};
  return run_work(context, work, [&](Front& front) {
    Seeder seeder(*torrent, process, front,
                  options.background ? tracker_wait_max : Duration::zero(), options.idle_max);
    return seeder.run();
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
                  "served. Whoever has the torrent and reaches the "
                  "port can fetch the release: there is no other "
                  "access control, and nothing is encrypted.\n\n"
                  "As a service of the packages it is "
                  "`murder-seed@TAG.service`, which serves the "
                  "release TAG of `/var/lib/murder/seed`.",
       .example = "murder seed /tmp/v42.tar.zst.torrent --background",
       .environment = {sha1_variable},
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
  command.add_flag("--background", options.background,
                   "Return when it serves and a tracker has answered, or did not for 2 s; it goes "
                   "on alone (murder stop TAG --seeding)");
}

}  // namespace murder::cli
