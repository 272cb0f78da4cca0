#include "cli/fleet/peering.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "cli/fleet/passed_options.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/plan/start_order.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/units.h"
#include "engine/host/peer_outcome.h"

namespace murder::fleet {
namespace {

constexpr std::string_view peer_stage = "peer";
// Of `murder wait` on a host: while all hosts fit into --forks a connection may be held, else not.
constexpr Duration wait_held = std::chrono::seconds(30);
constexpr Duration wait_short = std::chrono::seconds(2);
constexpr Duration wait_answer_max = std::chrono::seconds(60);
constexpr Duration watch_interval = std::chrono::seconds(1);
constexpr size_t warnings_kept_max = 8;

class Peering {
 public:
  Peering(Work& work, const PeeringOptions& options, const LocalTorrent& torrent)
      : work_(work), options_(options), torrent_(torrent), started_at_(monotonic_now()) {}

  PeeringResult run(std::span<const HostIndex> hosts) {
    TrackerFeed feed(torrent_.tracker_urls, torrent_.info_hash);
    feed_ = &feed;
    work_.follow(&feed);
    host_count_ = static_cast<uint32_t>(hosts.size());
    start(hosts);
    while (!pending_.empty() && !work_.is_interrupted() && time_left() > Duration::zero()) {
      if (pending_.size() > work_.fleet().run.forks) {
        watch_for();
      }
      collect();
    }
    give_up_pending();
    warnings_.tell(work_);
    work_.count_as_done(0, 0);
    work_.follow(nullptr);
    std::sort(result_.done.begin(), result_.done.end());
    return std::move(result_);
  }

 private:
  [[nodiscard]] Duration time_left() const {
    return options_.timeout - (monotonic_now() - started_at_);
  }

  void start(std::span<const HostIndex> hosts) {
    const Step step{.stage = std::string(peer_stage), .input = torrent_.bytes};
    const std::vector<HostIndex> order = start_order(hosts, Id20Hash{}(torrent_.info_hash));
    std::vector<HostResult> results = work_.run(order, step, [this](const Host& host) {
      return peer_command(work_, host, options_, false);
    });
    std::ranges::sort(results, {}, &HostResult::host);
    for (const HostResult& result : results) {
      // One whose answer was lost may be at work.
      if (result.outcome != Outcome::not_started) {
        result_.touched.push_back(result.host);
      }
      if (result.is_ok() && has_it(json_output(result))) {
        take(result);
      } else if (result.is_ok()) {
        pending_.push_back(result.host);
      } else {
        HostFailure failure = failure_of(work_.inventory(), result);
        failure.is_in_the_way = is_in_the_way(json_output(result));
        work_.note_failure(std::move(failure));
      }
    }
  }

  void collect() {
    const bool is_held = pending_.size() <= work_.fleet().run.forks;
    const Duration wait =
        std::clamp(time_left(), std::chrono::nanoseconds(0), is_held ? wait_held : wait_short);
    const std::string command = CommandLine::murder(murder_path_of(work_), "wait")
                                    .word(options_.tag)
                                    .option("--timeout", seconds_text(wait))
                                    .flag("--quiet")
                                    .flag("--json")
                                    .text();
    const Step step{.stage = std::string(peer_stage),
                    .timeout = wait + wait_answer_max,
                    .shows_failures = false};
    work_.count_as_done(host_count_, static_cast<uint32_t>(result_.done.size()));
    const std::vector<HostIndex> asked = std::move(pending_);
    pending_.clear();
    for (const HostResult& result : work_.run(asked, step, [&](const Host&) { return command; })) {
      take(result);
    }
    last_round_at_ = monotonic_now();
  }

  [[nodiscard]] bool has_it(const Json& outcome) const {
    return tells_done(outcome, torrent_.info_hash);
  }

  void take(const HostResult& result) {
    const Json outcome = json_output(result);
    const std::string state = text_member(outcome, "state");
    if (has_it(outcome)) {
      result_.done.push_back(result.host);
      warnings_.note(outcome);
      if (outcome["already_there"] == true) {
        result_.already.push_back(result.host);
      }
    } else if (state == host::outcome_running) {
      pending_.push_back(result.host);
      progress_of_pending_[result.host.raw] = outcome;
    } else if (result.outcome == Outcome::interrupted || result.outcome == Outcome::not_started) {
      pending_.push_back(result.host);
    } else {
      work_.note_failure(peer_failure(work_, result, outcome, options_.tag));
    }
  }

  // Until there is a reason to ask the hosts.
  void watch_for() {
    const Step step{.stage = std::string(peer_stage)};
    Instant moved_at = monotonic_now();
    uint64_t delivered = 0;
    while (!work_.is_interrupted() && time_left() > Duration::zero()) {
      work_.watch_for(watch_interval, step, host_count_,
                      static_cast<uint32_t>(result_.done.size()));
      const TrackerFeed::Latest latest = feed_->latest();
      const Instant now = monotonic_now();
      if (latest.view && latest.view->delivered_bytes != delivered) {
        delivered = latest.view->delivered_bytes;
        moved_at = now;
      }
      if (is_time_to_ask(ask_state_of(latest, {.pending = pending_.size(),
                                               .still_for = now - moved_at,
                                               .since_asked = now - last_round_at_}))) {
        return;
      }
    }
  }

  // At the timeout and at ^C.
  void give_up_pending() {
    for (const HostIndex host : pending_) {
      const auto progress = progress_of_pending_.find(host.raw);
      std::string how_far;
      if (progress != progress_of_pending_.end()) {
        how_far =
            fmt::format(", {} of {}", format_size(count_member(progress->second, "done_bytes")),
                        format_size(count_member(progress->second, "total_bytes")));
      }
      const std::string phase = progress == progress_of_pending_.end()
                                    ? "downloading"
                                    : text_member(progress->second, "phase", "downloading");
      const bool is_interrupted = work_.is_interrupted();
      work_.note_failure({.host = host,
                          .name = work_.inventory().at(host).name,
                          .stage = std::string(peer_stage),
                          .outcome = std::string(outcome_name(is_interrupted ? Outcome::interrupted
                                                                             : Outcome::timed_out)),
                          .reason = is_interrupted
                                        ? fmt::format("interrupted while {}{}", phase, how_far)
                                        : fmt::format("still {} after {}{}", phase,
                                                      format_duration(options_.timeout), how_far)});
    }
  }

  Work& work_;
  const PeeringOptions& options_;
  const LocalTorrent& torrent_;
  const TrackerFeed* feed_ = nullptr;
  Instant started_at_;
  Instant last_round_at_{};
  uint32_t host_count_ = 0;
  std::vector<HostIndex> pending_;
  std::map<uint32_t, Json> progress_of_pending_;
  PeerWarnings warnings_;
  PeeringResult result_;
};

}  // namespace

void PeerWarnings::note(const Json& outcome) {
  for (const Json& warning : outcome["warnings"]) {
    if (counts_.size() < warnings_kept_max || counts_.contains(warning.text())) {
      ++counts_[warning.text()];
    }
  }
}

void PeerWarnings::tell(Work& work) const {
  for (const auto& [text, count] : counts_) {
    work.context().warn(fmt::format("{} (on {} {})", text, count, count == 1 ? "host" : "hosts"));
  }
}

std::string peer_command(const Work& work, const Host& host, const PeeringOptions& options,
                         bool follows) {
  CommandLine line = CommandLine::murder(murder_path_of(work), "peer");
  line.word("-")
      .path_option("--to", options.destination_path)
      .path_option("--temp-path", options.temp_path)
      .flag("--to-is-directory", options.to_is_directory)
      .flag("--no-tag-directory", options.no_tag_directory)
      .flag("--unsafe-please-delete", options.unsafe_please_delete)
      .flag("--record", options.record)
      .flag("--take-over", options.take_over)
      .flag("--no-sync", options.no_sync)
      .option("--seed-for", seconds_text(options.seed_for))
      .option("--give-up-after", seconds_text(options.stall_timeout))
      .flag("--background")
      .flag("--follow", follows)
      .flag("--quiet")
      .flag("--json");
  if (!options.deploy.empty()) {
    line.option("--deploy", options.deploy);
  }
  if (!options.application.empty()) {
    line.option("--app", options.application);
  }
  if (!work.variables().metrics_file.empty()) {
    line.path_option("--metrics-file", work.variables().metrics_file);
  }
  pass_on(options.placing, line);
  const std::string label = work.label_of(host);
  return line
      .identity({.ip = host.ip,
                 .rack = host.rack,
                 .label = label,
                 .peer_port = work.variables().peer_port,
                 .limits = options.limits,
                 .transport = work.variables().transport})
      .text();
}

bool is_in_the_way(const Json& told) {
  static const Json exists = json_of_error({ErrorCode::exists, {}});
  return told["error"]["code"] == exists["error"]["code"];
}

bool tells_done(const Json& outcome, const InfoHash& info_hash) {
  return text_member(outcome, "state") == host::outcome_done &&
         text_member(outcome, "info_hash") == info_hash.hex();
}

HostFailure peer_failure(const Work& work, const HostResult& result, const Json& outcome,
                         const std::string& tag) {
  const std::string state = text_member(outcome, "state");
  HostFailure failure = failure_of(work.inventory(), result);
  failure.stage = peer_stage;
  failure.is_in_the_way = is_in_the_way(outcome);
  if (state == host::outcome_failed && outcome.contains("error")) {
    failure.reason = text_member(outcome["error"], "text", failure.reason);
    failure.log_tail = text_member(outcome, "log");
  } else if (state == host::outcome_done) {
    failure.outcome = outcome_name(Outcome::failed);
    failure.reason =
        fmt::format("another release named {} was fetched there meanwhile (info hash {})", tag,
                    text_member(outcome, "info_hash"));
  } else if (failure.reason.empty()) {
    failure.outcome = outcome_name(Outcome::failed);
    failure.reason = "the peer was killed before it could report";
  }
  return failure;
}

AskState ask_state_of(const TrackerFeed::Latest& latest, AskState state) {
  state.tracker_answers = latest.view && latest.trouble.empty();
  if (state.tracker_answers) {
    state.seeders = latest.view->seeders;
    state.leechers = latest.view->leechers;
  }
  return state;
}

PeeringResult run_peering(Work& work, std::span<const HostIndex> hosts,
                          const PeeringOptions& options, const LocalTorrent& torrent) {
  return Peering(work, options, torrent).run(hosts);
}

}  // namespace murder::fleet
