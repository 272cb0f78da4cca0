#include "engine/host/peer_process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "engine/archive/tree_removal.h"
#include "engine/base/missing_inodes.h"
#include "engine/base/quiet_time.h"
#include "engine/base/thread_start.h"
#include "engine/base/units.h"
#include "engine/host/background_peer.h"
#include "engine/host/helped_delivery.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/root_helper.h"
#include "engine/host/unused_archive.h"
#include "engine/io/notifier.h"
#include "engine/io/turn_hook.h"

namespace murder::host {
namespace {

constexpr Duration stall_look_interval = std::chrono::seconds(1);

class Peer final : public SwarmProcess {
 public:
  Peer(const TorrentInput& torrent, SwarmProcessOptions options, Parent& parent, PeerWork work)
      : SwarmProcess(torrent, std::move(options), parent),
        work_(std::move(work)),
        begins_empty_(begins_empty(this->options().node.path)),
        started_at_(std::chrono::steady_clock::now()) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() override {
    if (telling_.joinable()) {
      telling_.join();
    }
  }

  // run(), and what came of it for `murder wait`.
  Status run_to_the_end() {
    Status result = run();
    // Not what another peer of this release, which is in conflict with this one, has made.
    if (!result && has_tried_node() && begins_empty_ && verified_bytes() == 0 &&
        result.error().code != ErrorCode::conflict) {
      remove_unused_archive(options().node.path);
    }
    if (!result) {
      result = fail(name_missing_inodes(result.error(), {options().node.path, work_.delivery.to}));
    }
    if (work_.background && !is_told_ && !is_outcome_gone()) {
      const Error error =
          result ? Error{ErrorCode::interrupted, "it was stopped before the release was here"}
                 : result.error();
      Json outcome = json_of_error(error);
      outcome["state"] = outcome_failed;
      // The reactor has ended: this may block.
      if (Status written = keep_outcome(outcome_of(std::move(outcome))); !written) {
        parent().warn(written.error().text);
      }
      return fail(error);
    }
    if (helper_ && result) {
      helper_->tell_good_end();
    }
    return result;
  }

 private:
  // What is written to the run directory, by the helper where this process may not.
  [[nodiscard]] Status keep_outcome(const Json& outcome) {
    return helper_
               ? helper_->write_outcome(outcome)
               : write_outcome(options().run_directory, options().tag, outcome, work_.sync_to_disk);
  }
  // It was cleaned up, or it is that of another peer, which began at the same time.
  [[nodiscard]] bool is_outcome_gone() {
    return helper_ ? helper_->is_outcome_gone()
                   : is_cleaned_up(options().run_directory, options().tag) ||
                         has_other_peer(options().run_directory, options().tag, getpid());
  }
  void forget_placed() {
    if (helper_) {
      helper_->forget_placing();
    } else {
      forget_placing(options().run_directory, options().tag);
    }
  }

  Status starting(const std::string& control_socket) override {
    if (!work_.run_as) {
      return {};
    }
    auto helper = RootHelper::start({.delivery = work_.delivery,
                                     .metainfo = &torrent().metainfo,
                                     .run_directory = options().run_directory,
                                     .tag = options().tag,
                                     .control_socket = control_socket,
                                     .sync_to_disk = work_.sync_to_disk});
    if (!helper) {
      return fail(helper.error());
    }
    helper_ = std::move(*helper);
    return give_up_root(*work_.run_as);
  }

  void ready() override {
    const node::NodeProgress now = node().progress();
    if (work_.background) {
      finish({.text = fmt::format("fetching {} in the background (pid {}): `murder wait {}` tells "
                                  "when it is here",
                                  options().tag, getpid(), options().tag),
              .json = {{"tag", options().tag},
                       {"pid", getpid()},
                       {"info_hash", torrent().info_hash.hex()}}});
    }
    if (work_.give_up_after > Duration::zero()) {
      stall_timer_ =
          std::make_unique<io::Timer>(reactor().timers(), callback<&Peer::look_for_stall>(this));
      stall_timer_->arm(reactor().now() + stall_look_interval);
      quiet_.begin(reactor().now());
    }
    if (is_packed(torrent().metainfo) && !work_.delivery.keeps_archive) {
      start_delivery();
      reactor().add_turn_hook(front_hook_);
      reactor().skip_wait();  // what was here already is told at the end of this turn
    }
    if (now.resumed_bytes > 0 && now.resumed_bytes < now.total_bytes) {
      parent().note(fmt::format("{} of {} are here already", format_size(now.resumed_bytes),
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
    quiet_.look(mark != stall_mark_, reactor().now());
    stall_mark_ = mark;
    if (quiet_.lasted() >= work_.give_up_after) {
      const std::string trouble = stall_trouble(now);
      end(fail(ErrorCode::timeout,
               fmt::format("no data received for {}; {} of {} fetched ({})",
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

  // What `murder wait` reads.
  [[nodiscard]] Json outcome_of(Json outcome) const {
    outcome["tag"] = options().tag;
    outcome["info_hash"] = torrent().info_hash.hex();
    outcome["pid"] = getpid();
    outcome["archive"] = options().node.path;
    if (work_.run_as) {
      outcome["user_id"] = work_.run_as->user;  // whose file that is
    }
    if (!work_.deploy.empty()) {
      outcome["deploy"] = work_.deploy;
    }
    return outcome;
  }

  void complete() override {
    is_complete_ = true;
    fetched_after_ = std::chrono::steady_clock::now() - started_at_;
    if (delivery_ == nullptr) {
      start_delivery();
    } else {
      tell_front();
      tell_if_done();
    }
  }

  void start_delivery() {
    delivery_done_ = std::make_unique<io::Notifier>(reactor(), callback<&Peer::delivered>(this));
    const DeliveryEnd end = callback<&Peer::delivery_ended>(this);
    if (helper_ && !work_.delivery.keeps_archive) {
      delivery_ = std::make_unique<HelpedDelivery>(
          *helper_, work_.delivery.archive_path,
          std::string(phase_of(work_.delivery, torrent().metainfo)), end);
    } else {
      delivery_ = std::make_unique<Delivery>(work_.delivery, torrent().metainfo, end);
    }
  }

  // On the thread of the delivery.
  void delivery_ended() { delivery_done_->notify(); }

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
      parent().warn(warning);
    }
    front_hook_.remove();
    const Status& recorded = delivery_->recorded();
    if (!delivery_->result()) {
      if (delivery_->found_other_content()) {
        discard_archive();
      }
      end(fail(delivery_->result().error()));
    } else if (!recorded && work_.record) {
      end(fail(recorded.error()));
    } else {
      if (!recorded) {
        parent().warn(recorded.error().text);  // the release is in place all the same
      }
      tell_if_done();
    }
    own_work_ended();
  }

  // What fits the torrent and not the signature would be found again, and passed on.
  void discard_archive() {
    const std::string& path = options().node.path;
    const bool is_gone = torrent().metainfo.is_single_file ? ::unlink(path.c_str()) == 0
                                                           : archive::remove_tree(path).has_value();
    if (!is_gone) {
      parent().warn(path + " is other content than was signed, and could not be removed");
    }
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
    const std::string& place = *delivery_->result();
    const double rate = static_cast<double>(fetched) / seconds;
    const double total_seconds = seconds_of(std::chrono::steady_clock::now() - started_at_);
    report_ = {.text = fmt::format(
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
                        {"warnings", Json(delivery_->warnings())},
                        {"bytes_per_second", rate},
                        {"pid", getpid()}}};
    if (work_.background) {
      report_.json["state"] = outcome_done;
      report_.json["text"] = report_.text;
      is_told_ = true;
    }
    told_ = std::make_unique<io::Notifier>(reactor(), callback<&Peer::told>(this));
    if (!start_thread(telling_, [this] { write_told(); })) {
      write_told();  // it holds up the reactor, which has little to do any more
    }
  }

  void write_told() {
    if (work_.background) {
      outcome_written_ = keep_outcome(outcome_of(report_.json));
    }
    forget_placed();
    told_->notify();
  }

  void told(io::Notifier&) {
    if (telling_.joinable()) {
      telling_.join();
    }
    if (!outcome_written_) {
      parent().warn(outcome_written_.error().text);
    }
    if (!work_.background) {
      finish(report_);
    }
    seed_timer_ =
        std::make_unique<io::Timer>(reactor().timers(), callback<&Peer::seeded_enough>(this));
    seed_timer_->arm(reactor().now() + work_.seed_for);
    own_work_ended();
  }

  void seeded_enough(io::Timer&) { end({}); }

  void stopping() override {
    stopping_ = true;
    if (delivery_ != nullptr && !is_delivered_) {
      delivery_->cancel();
    }
  }
  [[nodiscard]] bool own_work_done() const override {
    return (delivery_ == nullptr || is_delivered_) && !telling_.joinable();
  }
  [[nodiscard]] bool is_work_done() const override { return told_ != nullptr; }
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

  PeerWork work_;
  bool begins_empty_;  // of the archive
  std::chrono::steady_clock::time_point started_at_;
  Duration fetched_after_{};
  std::unique_ptr<RootHelper> helper_;  // none: this process places the release itself
  std::unique_ptr<io::Notifier> delivery_done_;
  std::unique_ptr<DeliveryWork> delivery_;
  FinalReport report_;
  std::unique_ptr<io::Notifier> told_;
  Status outcome_written_;  // of the thread that tells
  std::thread telling_;     // writes the outcome, which waits for the disk
  std::unique_ptr<io::Timer> seed_timer_;
  std::unique_ptr<io::Timer> stall_timer_;
  uint64_t stall_mark_ = 0;
  QuietTime quiet_{stall_look_interval};
  io::TurnHook front_hook_{callback<&Peer::follow_front>(this)};
  uint32_t front_pieces_ = 0;
  bool is_complete_ = false;
  bool is_told_ = false;
  bool is_delivered_ = false;
  bool stopping_ = false;
};

}  // namespace

Status run_peer_process(const TorrentInput& torrent, const SwarmProcessOptions& options,
                        Parent& parent, const PeerWork& work) {
  Peer peer(torrent, options, parent, work);
  return peer.run_to_the_end();
}

}  // namespace murder::host
