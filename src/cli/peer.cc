// murder peer: fetches a release, puts it into its place in one step, and serves it for a while.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/delivery.h"
#include "cli/swarm_options.h"
#include "cli/swarm_process.h"
#include "engine/archive/release_name.h"
#include "engine/base/units.h"
#include "engine/io/notifier.h"

namespace murder::cli {
namespace {

struct PeerOptions {
  std::string torrent;
  std::string to;
  std::string temp_path = "/tmp";
  bool no_tag_directory = false;
  bool unsafe_please_delete = false;
  bool no_unpack = false;
  Duration seed_for = std::chrono::seconds(30);
  uint64_t unpacked_bytes_max = 0;
  SwarmOptions swarm;
};

class Peer final : public SwarmProcess {
 public:
  Peer(const TorrentInput& torrent, SwarmProcessOptions options, Front& front,
       std::optional<DeliveryOptions> delivery, Duration seed_for)
      : SwarmProcess(torrent, std::move(options), front),
        delivery_options_(std::move(delivery)),
        seed_for_(seed_for),
        started_at_(std::chrono::steady_clock::now()) {}

 private:
  void ready() override {
    const node::NodeProgress now = node().progress();
    if (now.resumed_bytes > 0 && now.resumed_bytes < now.total_bytes) {
      front().note(fmt::format("{} of {} are here already", format_size(now.resumed_bytes),
                               format_size(now.total_bytes)));
    }
  }

  void complete() override {
    fetched_after_ = std::chrono::steady_clock::now() - started_at_;
    if (!delivery_options_) {
      tell_done();
      return;
    }
    delivery_done_ =
        std::make_unique<io::Notifier>(reactor(), io::bind_notifier<&Peer::delivered>(this));
    delivery_ = std::make_unique<Delivery>(*delivery_options_, torrent().metainfo,
                                           [this] { delivery_done_->notify(); });
  }

  void delivered(io::Notifier&) {
    delivery_->join();
    is_delivered_ = true;
    if (!delivery_->result()) {
      end(fail(delivery_->result().error()));
    } else if (!stopping_) {
      tell_done();
    }
    own_work_ended();
  }

  void tell_done() {
    const node::NodeProgress now = node().progress();
    const double seconds = std::max(1e-9, seconds_of(fetched_after_));
    const uint64_t fetched = now.have_bytes - now.resumed_bytes;
    const std::string place = delivery_ != nullptr ? *delivery_->result() : options().node.path;
    const double rate = static_cast<double>(fetched) / seconds;
    const double total_seconds = seconds_of(std::chrono::steady_clock::now() - started_at_);
    finish({.exit_code = exit_done,
            .text = fmt::format(
                "{} is in {}: {} fetched in {} ({}), done after {}", options().tag, place,
                format_size(fetched), format_duration(fetched_after_), format_rate(rate),
                format_duration(Duration(static_cast<int64_t>(total_seconds * 1e9)))),
            .json = {{"tag", options().tag},
                     {"path", place},
                     {"archive", options().node.path},
                     {"info_hash", torrent().info_hash.hex()},
                     {"total_bytes", now.total_bytes},
                     {"fetched_bytes", fetched},
                     {"resumed_bytes", now.resumed_bytes},
                     {"received_bytes", now.stats.downloaded_bytes + now.stats.wasted_bytes},
                     {"failed_pieces", now.stats.failed_pieces},
                     {"fetch_seconds", seconds},
                     {"seconds", total_seconds},
                     {"bytes_per_second", rate},
                     {"pid", getpid()}}});
    seed_timer_ =
        std::make_unique<io::Timer>(reactor().timers(), io::bind_timer<&Peer::seeded_enough>(this));
    seed_timer_->arm(reactor().now() + seed_for_);
  }

  void seeded_enough(io::Timer&) { end(exit_done); }

  void stopping() override {
    stopping_ = true;
    if (delivery_ != nullptr && !is_delivered_) {
      delivery_->cancel();
    }
  }
  [[nodiscard]] bool own_work_done() const override {
    return delivery_ == nullptr || is_delivered_;
  }
  [[nodiscard]] std::string own_phase() const override {
    return delivery_ != nullptr && !is_delivered_ ? std::string(delivery_->phase()) : "";
  }
  [[nodiscard]] std::optional<Progress> own_progress() const override {
    if (delivery_ == nullptr || is_delivered_) {
      return std::nullopt;
    }
    return delivery_->progress();
  }

  std::optional<DeliveryOptions> delivery_options_;
  Duration seed_for_;
  std::chrono::steady_clock::time_point started_at_;
  Duration fetched_after_{};
  std::unique_ptr<io::Notifier> delivery_done_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<io::Timer> seed_timer_;
  bool is_delivered_ = false;
  bool stopping_ = false;
};

// Absolute, without "." and ".." parts and without a slash at the end.
std::string clean_path(const std::string& text) {
  const std::filesystem::path path = std::filesystem::absolute(text).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).string();
}

Result<int> run_peer(const PeerOptions& options, CommandContext& context) {
  if (options.to.empty() && !options.no_unpack) {
    return context.wrong_usage(
        "say where the release goes with --to DIR (or --no-unpack to fetch it only)");
  }
  const auto node_options = node_options_of(options.swarm, context);
  if (!node_options) {
    return fail(node_options.error());
  }
  const Result<TorrentInput> torrent = load_torrent(options.torrent);
  if (!torrent) {
    return fail(torrent.error());
  }
  const codec::Metainfo& metainfo = torrent->metainfo;
  const std::string tag(archive::tag_of_name(metainfo.name));
  std::error_code error;
  std::filesystem::create_directories(options.temp_path, error);
  if (error) {
    return fail_errno(error.value(), "cannot make the directory " + options.temp_path);
  }
  SwarmProcessOptions process{.kind = std::string(kind_peer),
                              .tag = tag,
                              .run_directory = context.run_directory,
                              .node = *node_options};
  process.node.info_hash = torrent->info_hash;
  process.node.path = clean_path(options.temp_path) + "/" + metainfo.name;
  process.node.name = tag;
  std::optional<DeliveryOptions> delivery;
  if (!options.no_unpack) {
    delivery = DeliveryOptions{.archive_path = process.node.path,
                               .to = clean_path(options.to),
                               .tag = options.no_tag_directory ? "" : tag,
                               .replace = options.unsafe_please_delete,
                               .unpacked_bytes_max = options.unpacked_bytes_max};
    const Status fits = check_target(*delivery, metainfo);
    if (!fits) {
      return fail(fits.error());
    }
  }
  const RunMode mode = options.seed_for > Duration::zero() ? RunMode::worker : RunMode::foreground;
  const WorkOptions work{.mode = mode, .log_name = "peer-" + tag};
  return run_work(context, work, [&](Front& front) {
    Peer peer(*torrent, process, front, delivery, options.seed_for);
    return peer.run();
  });
}

}  // namespace

void add_peer_command(CLI::App& app, CommandContext& context) {
  auto [command, options] = add_command<PeerOptions>(
      app, context,
      {.name = "peer",
       .description = "Fetch a release, put it into its place in one step, serve it for a while",
       .example = "murder peer v42.tar.zst.torrent --to /srv/app\n"
                  "ssh web1 murder peer - --to /srv/app < v42.tar.zst.torrent"},
      run_peer);
  command.add_option("TORRENT", options.torrent, "Path, - for standard input, or http URL")
      ->required();
  command.add_option("--to", options.to, "The release goes to DIR/TAG (a file as cp would put it)")
      ->type_name("DIR");
  command.add_option("--temp-path", options.temp_path, "Where the archive is kept")
      ->type_name("DIR")
      ->capture_default_str();
  command.add_flag("--no-tag-directory", options.no_tag_directory,
                   "Unpack to DIR itself instead of DIR/TAG");
  command.add_flag("--unsafe-please-delete", options.unsafe_please_delete,
                   "Replace what is in the target directory");
  command.add_flag("--no-unpack", options.no_unpack, "Fetch the archive only");
  add_duration_option(command, "--seed-for", options.seed_for,
                      "Go on serving in the background this long; default 30s, 0 for not at all");
  add_size_option(command, "--max-unpacked", options.unpacked_bytes_max,
                  "Refuse an archive that unpacks to more; default: no limit");
  add_swarm_options(command, options.swarm);
}

}  // namespace murder::cli
