#include "cli/fleet/fetching.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/fleet/deploy_key.h"
#include "cli/fleet/plan/fetch_reason.h"
#include "cli/fleet/plan/start_order.h"
#include "cli/fleet/steps.h"
#include "engine/base/units.h"
#include "engine/host/peer_outcome.h"

namespace murder::fleet {
namespace {

constexpr Duration wait_short = std::chrono::seconds(2);
constexpr Duration command_margin = std::chrono::minutes(1);
constexpr size_t line_bytes_max = 64 * 1024;

}  // namespace

Fetching::Fetching(DeployRun& run, Arrival& arrival, PeeringOptions options, size_t host_count)
    : run_(run),
      arrival_(arrival),
      options_(std::move(options)),
      follows_(host_count <= run.work.fleet().run.forks &&
               run.work.launcher().hosts_at_once() == 1),
      peer_kind_(run.kind("peer")),
      wait_kind_(run.kind("peer")) {
  peer_kind_.follows_output = follows_;
  if (follows_ && options_.timeout > Duration::zero()) {
    peer_kind_.command_timeout = options_.timeout + command_margin;
  }
}

void Fetching::open(const LocalTorrent& torrent) {
  torrent_ = &torrent;
  input_ = with_deploy_key(run_.key, torrent.bytes);
  peer_kind_.input = input_;
  opened_at_ = moved_at_ = asked_at_ = monotonic_now();
  feed_.emplace(torrent.tracker_urls, torrent.info_hash, keys_of_deploy(run_.key));
}

bool Fetching::is_pending(HostIndex host) const {
  const DeployHost& here = run_.at(host);
  return here.is_peer && !here.is_settled();
}

void Fetching::advance(uint32_t hosts_needed, uint32_t hosts_before) {
  if (is_open()) {
    begin();
    ask();
    if (monotonic_now() - opened_at_ >= options_.timeout) {
      give_up();
    }
  }
  if (hosts_needed > 0) {
    leave_laggards(hosts_needed, hosts_before);
  }
}

void Fetching::begin() {
  std::vector<HostIndex> ready;
  for (const HostIndex host : run_.work.inventory().peers) {
    const DeployHost& here = run_.at(host);
    if (here.is_peer && here.state == HostState::waiting && !is_held_(host)) {
      ready.push_back(host);
    }
  }
  for (const HostIndex host : start_order(ready, Id20Hash{}(torrent_->info_hash))) {
    run_.at(host).state = HostState::fetching;
    run_.at(host).moved_at = monotonic_now();
    run_.at(host).is_touched = true;
    begun_.push_back(host);
    run_.add(host, peer_kind_,
             peer_command(run_.work, run_.work.inventory().at(host), options_, follows_));
  }
}

// Hosts whose command has ended before they have: begun in the background, or the connection was
// lost.
void Fetching::ask() {
  const Instant now = monotonic_now();
  const TrackerFeed::Latest latest = feed_->latest();
  if (latest.view && latest.view->delivered_bytes != delivered_bytes_) {
    delivered_bytes_ = latest.view->delivered_bytes;
    moved_at_ = now;
  }
  const bool is_due = follows_ || quorum_at_ ||
                      is_time_to_ask(ask_state_of(latest, {.pending = to_be_asked_.size(),
                                                           .still_for = now - moved_at_,
                                                           .since_asked = now - asked_at_}));
  if (to_be_asked_.empty() || !asked_.empty() || !is_due) {
    return;
  }
  asked_at_ = now;
  const std::string command =
      CommandLine::murder(murder_path_of(run_.work), "wait")
          .word(options_.tag)
          .option("--timeout", fmt::format("{}s", wait_short.count() / 1'000'000'000))
          .flag("--quiet")
          .flag("--json")
          .text();
  asked_ = std::move(to_be_asked_);
  to_be_asked_.clear();
  for (const HostIndex host : asked_) {
    run_.add(host, wait_kind_, command);
  }
}

void Fetching::move_to(HostIndex host, const Json& told) {
  DeployHost& here = run_.at(host);
  const std::string phase = text_member(told, "phase");
  if (phase.empty() || here.is_settled()) {
    return;
  }
  const HostState state = state_of_phase(phase);
  const uint64_t done = count_member(told, "done_bytes");
  here.moved_at = state != here.state || done != here.done_bytes || state == HostState::unpacking
                      ? monotonic_now()
                      : here.moved_at;
  here.state = state;
  here.done_bytes = done;
  here.total_bytes = count_member(told, "total_bytes", here.total_bytes);
}

void Fetching::take_output(HostIndex host, std::string_view part) {
  DeployHost& here = run_.at(host);
  here.line += part;
  while (true) {
    const size_t end = here.line.find('\n');
    if (end == std::string::npos) {
      break;
    }
    if (const Result<Json> told = parse_json(here.line.substr(0, end))) {
      here.has_begun = here.has_begun || !told->contains("already_there");
      move_to(host, *told);
    }
    here.line.erase(0, end + 1);
  }
  if (here.line.size() > line_bytes_max) {
    here.line.clear();
  }
}

bool Fetching::take(const JobKind& kind, const HostResult& result) {
  if (&kind != &peer_kind_ && &kind != &wait_kind_) {
    return false;
  }
  run_.times.end(kind.stage, monotonic_now());
  std::erase(asked_, result.host);
  DeployHost& here = run_.at(result.host);
  here.line.clear();
  here.is_silent = result.outcome == Outcome::unreachable || result.outcome == Outcome::timed_out;
  if (here.is_settled()) {
    return true;
  }
  const Json outcome = json_output(result);
  const std::string state = text_member(outcome, "state");
  move_to(result.host, outcome);
  const bool is_lost = result.outcome == Outcome::unreachable && here.has_begun;
  if (result.outcome == Outcome::interrupted || result.outcome == Outcome::not_started) {
    return true;  // give_up() tells
  }
  if (state == host::outcome_running || (result.is_ok() && state.empty() && !follows_) ||
      (state.empty() && is_lost && &kind == &peer_kind_)) {
    here.has_begun = true;
    to_be_asked_.push_back(result.host);
  } else {
    end_host(result, outcome);
  }
  return true;
}

void Fetching::end_host(const HostResult& result, const Json& outcome) {
  DeployHost& here = run_.at(result.host);
  if (tells_done(outcome, torrent_->info_hash)) {
    here.state = HostState::ready;
    warnings_.note(outcome);
    here.is_already = outcome["already_there"] == true && !here.has_begun;
    return;
  }
  HostFailure failure = peer_failure(run_.work, result, outcome, options_.tag);
  failure.reason = reason_of_peer(std::move(failure.reason));
  run_.fail_host(std::move(failure));
}

void Fetching::leave(HostIndex host, std::string reason, Outcome outcome) {
  if (run_.at(host).reach != Reach::ready) {
    arrival_.give_up(host, reason);
    return;
  }
  run_.fail_host({.host = host,
                  .name = run_.work.inventory().at(host).name,
                  .stage = peer_kind_.stage,
                  .outcome = std::string(outcome_name(outcome)),
                  .reason = std::move(reason)});
  std::erase(to_be_asked_, host);
  run_.runner.stop(host, &peer_kind_);
  run_.runner.stop(host, &wait_kind_);
}

void Fetching::leave_laggards(uint32_t hosts_needed, uint32_t hosts_before) {
  const Instant now = monotonic_now();
  if (count_of(run_.counts(), HostState::ready) + hosts_before < hosts_needed) {
    quorum_at_.reset();
  } else if (!quorum_at_) {
    quorum_at_ = now;
  }
  for (const HostIndex host : run_.work.inventory().peers) {
    const DeployHost& here = run_.at(host);
    if (!is_pending(host) || (here.reach == Reach::ready && !quorum_at_)) {
      continue;
    }
    const std::string reason =
        reason_to_leave({.is_reached = here.reach == Reach::ready, .moved_at = here.moved_at},
                        quorum_at_.value_or(now), run_.started_at, now);
    if (!reason.empty()) {
      leave(host, reason, Outcome::timed_out);
    }
  }
}

void Fetching::give_up() {
  const bool is_interrupted = run_.work.is_interrupted();
  const bool is_timeout = is_open() && monotonic_now() - opened_at_ >= options_.timeout;
  for (const HostIndex host : run_.work.inventory().peers) {
    if (!is_pending(host)) {
      continue;
    }
    const DeployHost& here = run_.at(host);
    const std::string how_far = here.total_bytes == 0
                                    ? ""
                                    : fmt::format(", {} of {}", format_size(here.done_bytes),
                                                  format_size(here.total_bytes));
    const std::string_view doing = host_state_name(here.state);
    if (is_interrupted) {
      leave(host, fmt::format("interrupted while {}{}", doing, how_far), Outcome::interrupted);
    } else if (is_timeout) {
      leave(host,
            fmt::format("still {} after {}{}", doing, format_duration(options_.timeout), how_far),
            Outcome::timed_out);
    } else {
      leave(host, fmt::format("the deploy failed while {}{}", doing, how_far), Outcome::failed);
    }
  }
}

SwarmView Fetching::view() const {
  SwarmView view;
  for (const DeployHost& host : run_.hosts) {
    view.total_bytes = std::max(view.total_bytes, host.total_bytes);
  }
  for (const HostIndex index : begun_) {
    const DeployHost& host = run_.at(index);
    const bool has_all = host.state == HostState::ready || host.state == HostState::active ||
                         host.state == HostState::unpacking;
    const uint64_t had = has_all ? view.total_bytes : std::min(host.done_bytes, view.total_bytes);
    if (host.state == HostState::failed) {
      continue;
    }
    view.delivered_bytes += had;
    view.left_bytes += view.total_bytes - had;
    ++(has_all ? view.seeders : view.leechers);
    if (!has_all && view.total_bytes > 0) {
      ++view.leechers_by_tenth[std::min<uint64_t>(had * 10 / view.total_bytes, 9)];
    }
  }
  return view;
}

}  // namespace murder::fleet
