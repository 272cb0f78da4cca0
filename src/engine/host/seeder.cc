#include "engine/host/seeder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>

#include "engine/base/quiet_time.h"
#include "engine/base/units.h"
#include "engine/host/deploy_lock_file.h"
#include "engine/host/run_directory.h"

namespace murder::host {
namespace {

constexpr Duration tracker_look_interval = std::chrono::milliseconds(20);
constexpr Duration idle_look_interval = std::chrono::seconds(1);
// A deploy that ended while this began did not see it.
constexpr Duration idle_without_deploy_max = std::chrono::seconds(3);

class Seeder final : public SwarmProcess {
 public:
  Seeder(const TorrentInput& torrent, SwarmProcessOptions options, Parent& parent,
         const SeederWork& work)
      : SwarmProcess(torrent, std::move(options), parent),
        tracker_wait_(work.tracker_wait),
        idle_max_(work.idle_max),
        ends_with_deploy_(work.ends_with_deploy) {}

  [[nodiscard]] SeederEnd why_ended() const { return why_ended_; }

 private:
  void ready() override {
    if (idle_max_ > Duration::zero() || ends_with_deploy_) {
      idle_.begin(reactor().now());
      idle_timer_ =
          std::make_unique<io::Timer>(reactor().timers(), callback<&Seeder::look_for_peers>(this));
      idle_timer_->arm(reactor().now() + idle_look_interval);
    }
    if (node::tracker_urls(torrent().metainfo).empty()) {
      parent().warn(torrent().metainfo.tracker_tiers.empty()
                        ? "the torrent names no tracker: peers will not find this seeder"
                        : "the torrent names no tracker with an http:// or https:// address: peers "
                          "will not find "
                          "this seeder");
      tell();
    } else if (tracker_wait_ == Duration::zero()) {
      tell();
    } else {
      tracker_deadline_ = reactor().now() + tracker_wait_;
      tracker_timer_ = std::make_unique<io::Timer>(reactor().timers(),
                                                   callback<&Seeder::look_at_trackers>(this));
      tracker_timer_->arm(reactor().now());
    }
  }

  void look_for_peers(io::Timer& timer) {
    const bool has_peers = node().progress().stats.open_count > 0;
    idle_.look(has_peers, reactor().now());
    if (!has_peers && idle_max_ > Duration::zero() && idle_.lasted() >= idle_max_) {
      why_ended_ = SeederEnd::idle;
      end({});
      return;
    }
    if (!has_peers && ends_with_deploy_ && idle_.lasted() >= idle_without_deploy_max &&
        !has_deploy()) {
      why_ended_ = SeederEnd::without_deploy;
      end({});
      return;
    }
    timer.arm(reactor().now() + idle_look_interval);
  }

  [[nodiscard]] bool has_deploy() const {
    const Result<RunDirectory> directory = RunDirectory::open_existing(options().run_directory);
    return directory && is_deploy_at_work(*directory, options().tag);
  }

  void look_at_trackers(io::Timer& timer) {
    if (node().progress().trackers_working > 0) {
      tell();
    } else if (reactor().now() >= tracker_deadline_) {
      parent().warn(
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
    Json json = {{"kind", kind_seeder},
                 {"tag", options().tag},
                 {"pid", getpid()},
                 {"info_hash", hash},
                 {"listen", now.listens_on.text()},
                 {"trackers_working", now.trackers_working}};
    if (!now.tracker_trouble.empty()) {
      json["tracker_trouble"] = now.tracker_trouble;
    }
    finish({.text = fmt::format("seeding {} on {} (info hash {}){}", options().tag,
                                now.listens_on.text(), hash,
                                now.trackers_working > 0 ? ", a tracker knows it" : ""),
            .json = std::move(json),
            .is_in_journal = has_journal()});
  }

  Duration tracker_wait_;
  Duration idle_max_;  // zero: for ever
  bool ends_with_deploy_;
  SeederEnd why_ended_ = SeederEnd::stopped;
  QuietTime idle_{idle_look_interval};
  std::unique_ptr<io::Timer> idle_timer_;
  Instant tracker_deadline_{};
  std::unique_ptr<io::Timer> tracker_timer_;
};

}  // namespace

Result<SeederEnd> run_seeder(const TorrentInput& torrent, const SwarmProcessOptions& options,
                             Parent& parent, const SeederWork& work) {
  Seeder seeder(torrent, options, parent, work);
  const Status ended = seeder.run();
  return ended ? Result<SeederEnd>(seeder.why_ended()) : fail(ended.error());
}

}  // namespace murder::host
