// murder peer: fetches a release, puts it into its place in one step, and serves it for a while.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/delivery.h"
#include "cli/peer_outcome.h"
#include "cli/peer_start.h"
#include "cli/swarm_options.h"
#include "cli/swarm_process.h"
#include "cli/tree_options.h"
#include "cli/wait.h"
#include "engine/archive/release_name.h"
#include "engine/base/units.h"
#include "engine/io/notifier.h"
#include "engine/io/turn_hook.h"

namespace murder::cli {
namespace {

struct PeerOptions {
  std::string torrent;
  std::string to;
  std::string temp_path = "/tmp";
  bool to_is_directory = false;
  bool no_tag_directory = false;
  bool unsafe_please_delete = false;
  bool no_unpack = false;
  bool background = false;
  bool wait = false;
  bool take_over = false;
  bool record = false;
  Duration seed_for = std::chrono::seconds(30);
  Duration give_up_after = Duration::zero();
  PlacingOptions placing;
  SwarmOptions swarm;
};

constexpr Duration stall_look_interval = std::chrono::seconds(1);

struct PeerWork {
  std::optional<DeliveryOptions> delivery;
  Duration seed_for{};
  Duration give_up_after{};  // zero: never
  bool background = false;   // the front ends when the download has begun
  bool record = false;       // among the releases to activate; without, DIR is not written to ...
  std::optional<ReleasePlace> place;  // ... unless this is set: what lies there is recorded
};

class Peer final : public SwarmProcess {
 public:
  Peer(const TorrentInput& torrent, SwarmProcessOptions options, Front& front, PeerWork work)
      : SwarmProcess(torrent, std::move(options), front),
        delivery_options_(std::move(work.delivery)),
        work_(std::move(work)),
        started_at_(std::chrono::steady_clock::now()) {}

  // run(), and what came of it for `murder wait`.
  Result<int> run_to_the_end() {
    Result<int> result = run();
    if (work_.background && !is_told_) {
      const Error error =
          result ? Error{ErrorCode::interrupted, "it was stopped before the release was here"}
                 : result.error();
      Json outcome = json_of_error(error);
      outcome["state"] = outcome_failed;
      leave_outcome(std::move(outcome));
      return fail(error);
    }
    return result;
  }

 private:
  void ready() override {
    const node::NodeProgress now = node().progress();
    if (work_.background) {
      finish({.exit_code = exit_done,
              .text = fmt::format("fetching {} in the background (pid {}): `murder wait {}` tells "
                                  "when it is here",
                                  options().tag, getpid(), options().tag),
              .json = {{"tag", options().tag},
                       {"pid", getpid()},
                       {"info_hash", torrent().info_hash.hex()}}});
    }
    if (work_.give_up_after > Duration::zero()) {
      stall_timer_ = std::make_unique<io::Timer>(reactor().timers(),
                                                 io::bind_timer<&Peer::look_for_stall>(this));
      stall_timer_->arm(reactor().now() + stall_look_interval);
      moved_at_ = reactor().now();
    }
    if (delivery_options_ && is_packed(torrent().metainfo)) {
      start_delivery();
      reactor().add_turn_hook(front_hook_);
      reactor().skip_wait();  // what was here already is told at the end of this turn
    }
    if (now.resumed_bytes > 0 && now.resumed_bytes < now.total_bytes) {
      front().note(fmt::format("{} of {} are here already", format_size(now.resumed_bytes),
                               format_size(now.total_bytes)));
    }
  }

  // Bytes that were verified, or at least arrived, are progress.
  void look_for_stall(io::Timer& timer) {
    const node::NodeProgress now = node().progress();
    if (now.phase != node::NodePhase::fetching) {
      return;
    }
    const uint64_t mark = now.have_bytes + now.stats.downloaded_bytes;
    if (mark != stall_mark_) {
      stall_mark_ = mark;
      moved_at_ = reactor().now();
    } else if (reactor().now() - moved_at_ >= work_.give_up_after) {
      const std::string trouble = stall_trouble(now);
      end(fail(ErrorCode::timeout,
               fmt::format("nothing came for {}, {} of {} are here ({})",
                           format_duration(work_.give_up_after), format_size(now.have_bytes),
                           format_size(now.total_bytes), trouble)));
      return;
    }
    timer.arm(reactor().now() + stall_look_interval);
  }

  // What is wrong, and what to do.
  static std::string stall_trouble(const node::NodeProgress& now) {
    if (!now.tracker_trouble.empty()) {
      return now.tracker_trouble;
    }
    if (now.stats.open_count == 0) {
      return "no host that has it is connected: `murder status` on the seeder's host shows whether "
             "it serves, `murder seed` starts it";
    }
    return fmt::format("{} peer{} connected, and none has the rest: does the seeder still run?",
                       now.stats.open_count, now.stats.open_count == 1 ? " is" : "s are");
  }

  void leave_outcome(Json outcome) {
    is_told_ = true;
    outcome["tag"] = options().tag;
    outcome["info_hash"] = torrent().info_hash.hex();
    outcome["pid"] = getpid();
    outcome["archive"] = options().node.path;
    if (Status written = write_outcome(options().run_directory, options().tag, outcome); !written) {
      front().warn(written.error().text);
    }
  }

  // A release that is in place stays there if this fails; only what --record asks for is missed.
  Status record_delivery() {
    if (!work_.place) {
      return {};
    }
    Status recorded = record_place(*work_.place, work_.record);
    if (!recorded && !work_.record) {
      front().warn(recorded.error().text);
      return {};
    }
    return recorded;
  }

  void complete() override {
    is_complete_ = true;
    fetched_after_ = std::chrono::steady_clock::now() - started_at_;
    if (!delivery_options_) {
      tell_done();
    } else if (delivery_ == nullptr) {
      start_delivery();
    } else {
      tell_front();
      tell_if_done();
    }
  }

  void start_delivery() {
    delivery_done_ =
        std::make_unique<io::Notifier>(reactor(), io::bind_notifier<&Peer::delivered>(this));
    delivery_ = std::make_unique<Delivery>(*delivery_options_, torrent().metainfo,
                                           [this] { delivery_done_->notify(); });
  }

  // At the end of every turn, while the archive comes: one look at the piece behind the front.
  void follow_front(io::TurnHook&) { tell_front(); }

  void tell_front() {
    const Geometry& geometry = torrent().metainfo.geometry;
    front_pieces_ = node().front(front_pieces_);
    delivery_->advance(
        std::min(uint64_t{front_pieces_} * geometry.piece_bytes, geometry.total_bytes));
    if (front_pieces_ == geometry.piece_count()) {
      front_hook_.remove();
    }
  }

  void delivered(io::Notifier&) {
    delivery_->join();
    is_delivered_ = true;
    for (const std::string& warning : delivery_->warnings()) {
      front().warn(warning);
    }
    front_hook_.remove();
    const Status recorded = delivery_->result() ? record_delivery() : Status();
    if (!delivery_->result()) {
      forget_placing(options().run_directory, options().tag);
      end(fail(delivery_->result().error()));
    } else if (!recorded) {
      end(fail(recorded.error()));
    } else {
      tell_if_done();
    }
    own_work_ended();
  }

  // The last byte may be unpacked before the node says that it was the last.
  void tell_if_done() {
    if (is_complete_ && is_delivered_ && delivery_->result() && !stopping_) {
      tell_done();
    }
  }

  void tell_done() {
    const node::NodeProgress now = node().progress();
    const double seconds = std::max(1e-9, seconds_of(fetched_after_));
    const uint64_t fetched = now.have_bytes - now.resumed_bytes;
    const std::string place = delivery_ != nullptr ? *delivery_->result() : options().node.path;
    const double rate = static_cast<double>(fetched) / seconds;
    const double total_seconds = seconds_of(std::chrono::steady_clock::now() - started_at_);
    FinalReport report{
        .exit_code = exit_done,
        .text =
            fmt::format("{} is in {}: {} fetched in {} ({}), done after {}", options().tag, place,
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
                 {"warnings", delivery_ != nullptr ? Json(delivery_->warnings()) : Json::array()},
                 {"pid", getpid()}}};
    if (work_.background) {
      report.json["state"] = outcome_done;
      report.json["text"] = report.text;
      leave_outcome(std::move(report.json));
    } else {
      finish(report);
    }
    forget_placing(options().run_directory, options().tag);
    seed_timer_ =
        std::make_unique<io::Timer>(reactor().timers(), io::bind_timer<&Peer::seeded_enough>(this));
    seed_timer_->arm(reactor().now() + work_.seed_for);
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
    return is_delivering() ? std::string(delivery_->phase()) : "";
  }
  [[nodiscard]] std::optional<Progress> own_progress() const override {
    return is_delivering() ? std::optional(delivery_->progress()) : std::nullopt;
  }
  // While the archive comes, what is told is how it comes.
  [[nodiscard]] bool is_delivering() const {
    return is_complete_ && delivery_ != nullptr && !is_delivered_;
  }

  std::optional<DeliveryOptions> delivery_options_;
  PeerWork work_;
  std::chrono::steady_clock::time_point started_at_;
  Duration fetched_after_{};
  std::unique_ptr<io::Notifier> delivery_done_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<io::Timer> seed_timer_;
  std::unique_ptr<io::Timer> stall_timer_;
  uint64_t stall_mark_ = 0;
  Instant moved_at_{};
  io::TurnHook front_hook_{io::bind_hook<&Peer::follow_front>(this)};
  uint32_t front_pieces_ = 0;
  bool is_complete_ = false;
  bool is_told_ = false;
  bool is_delivered_ = false;
  bool stopping_ = false;
};

// Where the release goes.
DeliveryOptions plan_delivery(const PeerOptions& options, const TorrentInput& torrent,
                              const SwarmProcessOptions& process) {
  // A directory of releases is a directory also for a file.
  const bool makes_directory = options.to_is_directory || options.record;
  DeliveryOptions delivery{
      .archive_path = process.node.path,
      .to = clean_path(options.to),
      .to_is_directory = makes_directory || !whole_path(options.to).has_filename(),
      .makes_directory = makes_directory,
      .tag = options.no_tag_directory ? "" : process.tag,
      .replace = options.unsafe_please_delete};
  const std::string info_hash = torrent.info_hash.hex();
  delivery.placing = [run_directory = process.run_directory, tag = process.tag,
                      info_hash](int directory_fd) {
    note_placing(run_directory, tag, info_hash, directory_fd);
  };
  return delivery;
}

// What a peer has to do, once it has looked at what is there.
struct PeerPlan {
  std::optional<DeliveryOptions> delivery;
  std::optional<ReleasePlace> place;  // where it is recorded
  std::optional<int> exit_code;       // there is nothing to do
};

Result<PeerPlan> plan_peer(const PeerOptions& options, const TorrentInput& torrent,
                           const SwarmProcessOptions& process, CommandContext& context) {
  if (options.background || options.take_over) {
    if (Status free = end_peers_before({process.tag, options.take_over}, context); !free) {
      return fail(free.error());
    }
  }
  if (options.no_unpack) {
    return PeerPlan{};
  }
  PeerPlan plan{.delivery = plan_delivery(options, torrent, process)};
  if (Status applied = apply(options.placing, torrent.metainfo, *plan.delivery); !applied) {
    return fail(applied.error());
  }
  const std::string info_hash = torrent.info_hash.hex();
  plan.place =
      place_of(*plan.delivery, torrent.metainfo, process.tag, info_hash, process.run_directory);
  const bool is_recorded = options.background || options.record;
  if (plan.place && !options.unsafe_please_delete) {
    const PlaceFound found = look_at_place(*plan.place);
    if (found.state == PlaceState::other) {
      return fail(error_of_other(*plan.place, found.placed));
    }
    if (found.state == PlaceState::same) {
      if (is_recorded && (found.is_unrecorded || options.record)) {
        if (Status recorded = record_place(*plan.place, options.record); !recorded) {
          return fail(recorded.error());
        }
      }
      forget_placing(process.run_directory, process.tag);
      Result<int> finished = finish_in_place(*plan.place, found, options.background, context);
      if (!finished) {
        return fail(finished.error());
      }
      plan.exit_code = *finished;
      return plan;
    }
  }
  plan.delivery->is_there =
      !options.unsafe_please_delete &&
      was_placed(process.run_directory, process.tag, info_hash, target_of(*plan.delivery));
  if (!is_recorded) {
    plan.place.reset();
  }
  const Status fits =
      plan.delivery->is_there ? Status() : check_target(*plan.delivery, torrent.metainfo);
  return fits ? Result<PeerPlan>(std::move(plan)) : fail(fits.error());
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
  if (options.wait && !options.background) {
    return context.wrong_usage("--wait is for --background");
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
  const Result<std::string> valid_tag = archive::valid_tag_of_name(metainfo.name);
  if (!valid_tag) {
    return fail(valid_tag.error());
  }
  const std::string& tag = *valid_tag;
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
  const Result<PeerPlan> plan = plan_peer(options, *torrent, process, context);
  if (!plan || plan->exit_code) {
    return plan ? Result<int>(*plan->exit_code) : fail(plan.error());
  }
  if (options.background) {
    // Before the worker exists: whoever waits finds this one, not that of a peer before it.
    if (Status written = write_outcome(
            context.run_directory, tag,
            {{"state", outcome_running}, {"tag", tag}, {"archive", process.node.path}});
        !written) {
      return fail(written.error());
    }
  }
  const bool is_worker = options.background || options.seed_for > Duration::zero();
  const WorkOptions work{.mode = is_worker ? RunMode::worker : RunMode::foreground,
                         .log_name = peer_log_name(tag)};
  Result<int> result = run_work(context, work, [&](Front& front) {
    Peer peer(*torrent, process, front,
              {.delivery = plan->delivery,
               .seed_for = options.seed_for,
               .give_up_after = options.give_up_after,
               .background = options.background,
               .record = options.record,
               .place = plan->place});
    return peer.run_to_the_end();
  });
  if (!options.wait || !result || *result != exit_done) {
    return result;
  }
  return wait_for_peer({.tag = tag, .tells_progress = true}, context);
}

}  // namespace

void add_peer_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<PeerOptions>(
      app, context,
      {.name = "peer",
       .description = "Fetch a release, put it into its place in one step, serve it for a while",
       .example = "murder peer v42.tar.zst.torrent --to /srv/app\n"
                  "ssh web1 murder peer - --to /srv/app < v42.tar.zst.torrent",
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
  command.add_flag("--background", options.background,
                   "Return when the download has begun (murder wait TAG tells how it ended)");
  command.add_flag("--wait", options.wait,
                   "With --background: stay until the release is in its place, as murder wait\n"
                   "does; the download does not end with this command");
  command.add_flag("--take-over", options.take_over,
                   "End a peer of this release that is at work here first; what it fetched is\n"
                   "kept and used");
  command.add_flag("--record", options.record,
                   "Note the release in DIR, for murder releases, activate and rollback");
  command.add_duration("--give-up-after", options.give_up_after,
                       "Fail when nothing came for this long; default: never");
  command.add_duration("--seed-for", options.seed_for,
                       "Go on serving in the background this long; default 30s, 0 for not at all");
  add_placing_options(command, options.placing);
  add_xattrs_option(command, options.placing.xattrs);
  add_swarm_options(command, options.swarm);
}

}  // namespace murder::cli
