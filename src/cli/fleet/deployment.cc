#include "cli/fleet/deployment.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/fleet/report.h"
#include "cli/fleet/same_machine.h"

namespace murder::fleet {
namespace {

// Peers are stopped at the end of the deploy; should this machine vanish, they end by themselves.
constexpr Duration peers_seed_for = abandoned_after;

PeeringOptions peering_of(const DeployOptions& options, const std::string& token) {
  return {.tag = options.tag,
          .destination_path = options.destination_path,
          .temp_path = options.temp_path,
          .no_tag_directory = options.no_tag_directory,
          .unsafe_please_delete = options.unsafe_please_delete,
          .record = options.activate || options.keep_releases,
          .take_over = true,
          .no_sync = options.no_sync,
          .seed_for = abandoned_after,  // should this machine vanish
          .stall_timeout = options.stall_timeout,
          .timeout = options.timeout,
          .limits = options.limits,
          .placing = options.placing,
          .deploy = token,
          .application = options.application};
}

}  // namespace

Deployment::Deployment(Work& work, const DeployOptions& options, std::optional<DeployState> before)
    : work_(work),
      options_(options),
      before_(std::move(before)),
      run_(work, options, *this),
      arrival_(run_),
      packing_(run_),
      lease_(run_),
      source_(run_, arrival_, lease_),
      fetching_(run_, arrival_, peering_of(options, run_.token), work.inventory().peers.size()),
      ending_(run_) {
  fetching_.hold_while([this](HostIndex host) { return source_.is_starting_on(host); });
}

DeployOutcome Deployment::run(std::span<const HostIndex> hosts) {
  outcome_.hosts_expected = options_.hosts_expected;
  outcome_.fatal = start(hosts);
  if (outcome_.fatal) {
    outcome_.fatal = bring();
  }
  fetching_.give_up();
  drain();
  work_.view().clear();
  fetching_.tell_warnings();
  end();
  fill_outcome();
  return std::move(outcome_);
}

Status Deployment::start(std::span<const HostIndex> hosts) {
  const Inventory& inventory = work_.inventory();
  std::vector<HostIndex> all(hosts.begin(), hosts.end());
  for (const HostIndex host : hosts) {
    run_.at(host).is_peer = true;
  }
  for (const std::vector<HostIndex>* role : {&inventory.trackers, &inventory.seeders}) {
    for (const HostIndex host : *role) {
      if (!contains(all, host) && !(role == &inventory.seeders && options_.local_seeder)) {
        all.push_back(host);
      }
    }
  }
  if (!options_.on_seeder) {
    Result<PrivateDirectory> directory = PrivateDirectory::make(options_.local_temp_path);
    if (!directory) {
      return fail(directory.error());
    }
    directory_.emplace(std::move(*directory));
    source_.set_local_directory(directory_->path());
    packing_.begin(directory_->path());
  }
  return arrival_.start(all);
}

// Until each peer has the release, or has failed, and nothing is on its way to begin.
Status Deployment::bring() {
  while (!work_.is_interrupted()) {
    if (Status advanced = advance(); !advanced) {
      return advanced;
    }
    if (are_peers_settled() && !source_.is_starting()) {
      return {};
    }
    run_.runner.step(packing_.wake_fd());
  }
  return fail(ErrorCode::interrupted, "interrupted");
}

Status Deployment::advance() {
  if (Status packed = take_packed(); !packed) {
    return packed;
  }
  if (Status served = source_.advance(); !served) {
    return work_.is_interrupted() ? Status(fail(ErrorCode::interrupted, "interrupted")) : served;
  }
  lease_.renew_if_due(monotonic_now());
  if (source_.release() != nullptr && !is_checked_) {
    is_checked_ = true;
    if (Status same = check_same_release(source_.release()->torrent.info_hash.hex()); !same) {
      return same;
    }
  }
  if ((source_.is_serving() || source_.is_about_to_serve()) && !fetching_.is_open()) {
    const LocalTorrent& torrent = source_.release()->torrent;
    fetching_.set_file(torrent.name == options_.tag && !options_.no_tag_directory);
    fetching_.open(torrent);
    work_.follow(fetching_.feed());
  }
  const uint32_t needed =
      options_.quorum ? options_.quorum->hosts_needed(hosts_in_all()) : uint32_t{0};
  fetching_.advance(needed, before_ ? static_cast<uint32_t>(before_->done.size()) : 0);
  if (!is_any_peer_left() && !fetching_.is_open()) {
    return fail(ErrorCode::io, "no host could be given the program");
  }
  return {};
}

Status Deployment::take_packed() {
  Result<std::optional<PackedRelease>> release = packing_.take();
  if (!release) {
    return fail(release.error());
  }
  if (!*release) {
    return {};
  }
  if (Status same = check_same_release((*release)->torrent.info_hash.hex()); !same) {
    return same;
  }
  is_checked_ = true;
  source_.set_release(std::move(**release));
  return {};
}

// Hosts of one deploy have the same release, also those that came in later.
Status Deployment::check_same_release(const std::string& info_hash) {
  outcome_.info_hash = info_hash;
  return fleet::check_same_release(before_, options_.source, info_hash);
}

bool Deployment::are_peers_settled() const {
  return std::all_of(run_.hosts.begin(), run_.hosts.end(),
                     [](const DeployHost& host) { return !host.is_peer || host.is_settled(); });
}

bool Deployment::is_any_peer_left() const {
  return std::any_of(run_.hosts.begin(), run_.hosts.end(), [](const DeployHost& host) {
    return host.is_peer && host.state != HostState::failed;
  });
}

uint32_t Deployment::hosts_in_all() const {
  const size_t names =
      before_ ? before_->done.size() + before_->failed.size() : work_.inventory().peers.size();
  return static_cast<uint32_t>(names - std::min(names, outcome_.other_names.size()));
}

std::vector<HostIndex> Deployment::peers_in(HostState state) const {
  std::vector<HostIndex> peers;
  for (const HostIndex host : work_.inventory().peers) {
    if (run_.at(host).is_peer && run_.at(host).state == state) {
      peers.push_back(host);
    }
  }
  return peers;
}

// Nothing runs behind the end of this.
void Deployment::drain() {
  packing_.cancel();
  run_.runner.stop(std::nullopt, nullptr);
  while (!run_.runner.is_idle()) {
    run_.runner.step();
  }
}

// --- The end -------------------------------------------------------------------------------------

bool Deployment::is_to_be_activated() {
  const std::vector<HostIndex> ready = peers_in(HostState::ready);
  const bool was_activated = before_ && before_->is_activated;
  if (!outcome_.fatal || work_.is_interrupted() || ready.empty()) {
    outcome_.not_activated = options_.activate ? "nothing was activated" : "";
    return false;
  }
  const uint32_t all = hosts_in_all();
  const uint32_t needed = options_.quorum ? options_.quorum->hosts_needed(all) : all;
  const auto have =
      static_cast<uint32_t>(ready.size() + (before_ ? before_->done.size() : size_t{0}));
  if (options_.activate && have < needed && !was_activated) {
    outcome_.not_activated =
        fmt::format("not activated: {} of {} hosts have it, {} are needed", have, all, needed);
    return false;
  }
  return options_.activate || was_activated;
}

Ending::Plan Deployment::plan_ending() {
  const std::vector<HostIndex> ready = peers_in(HostState::ready);
  Ending::Plan plan{.is_file = source_.release() != nullptr &&
                               source_.release()->torrent.name == options_.tag};
  if (is_to_be_activated()) {
    plan.activated = ready;
    if (before_ && !before_->is_activated) {
      for (const std::string& name : before_->done) {
        const std::optional<HostIndex> host = work_.inventory().find(name);
        if (host && !contains(plan.activated, *host)) {
          plan.activated.push_back(*host);
        }
      }
    }
  }
  if (options_.keep_releases && outcome_.fatal && outcome_.not_activated.empty() &&
      !work_.is_interrupted()) {
    plan.kept = ready;
  }
  return plan;
}

void Deployment::clean_here() {
  if (source_.here() == nullptr || source_.touched_here().empty()) {
    return;
  }
  Work& here = *source_.here();
  const std::string clean =
      ending_.clean_command(here.variables().remote_murder_path, directory_->path());
  for (const HostResult& result :
       here.run(source_.touched_here(), {.stage = "clean-up", .is_cleaning_up = true},
                [&clean](const Host&) { return clean; })) {
    if (!result.is_ok()) {
      work_.context().warn(fmt::format("clean-up on this machine: {}", result.reason));
    }
  }
}

void Deployment::finish() {
  while (!run_.runner.is_idle()) {
    run_.runner.step();
  }
}

// A deploy that was taken over makes nothing current any more.
void Deployment::confirm_lease() {
  if (!outcome_.fatal || work_.is_interrupted() || !(options_.activate || options_.keep_releases)) {
    return;
  }
  lease_.confirm(monotonic_now());
  finish();
  if (!lease_.trouble()) {
    outcome_.fatal = lease_.trouble();
  }
}

void Deployment::end() {
  work_.follow(nullptr);
  work_.view().clear();
  if (work_.is_interrupted()) {
    work_.context().note("interrupted: ending what was started (^C again: leave it)");
  }
  confirm_lease();
  const Ending::Plan plan = plan_ending();
  stage_ = plan.activated.empty() ? "clean-up" : "activate";
  if (!lease_.is_tag_taken()) {
    ending_.start(plan);
    finish();
    if (work_.is_interrupted()) {
      ending_.clean_what_is_left();
      finish();
    }
    ending_.tell();
  }
  clean_here();
  lease_.release(outcome_.info_hash);
  finish();
  work_.view().clear();
}

void Deployment::fill_outcome() {
  outcome_.is_refused = lease_.is_refused();
  if (outcome_.is_refused) {
    work_.forget_failures();
    return;
  }
  for (const HostIndex host : work_.inventory().peers) {
    const DeployHost& here = run_.at(host);
    if (!here.is_peer) {
      continue;
    }
    outcome_.states.emplace_back(host, here.state);
    const bool has_it = here.state == HostState::ready || here.state == HostState::active;
    if (has_it) {
      outcome_.done.push_back(host);
    }
    if (has_it && here.is_already) {
      outcome_.already.push_back(host);
    }
    outcome_.is_activated = outcome_.is_activated || here.state == HostState::active;
  }
  outcome_.stages = run_.times.list();
  outcome_.stages_text = run_.times.text();
}

// --- What the runner tells -----------------------------------------------------------------------

void Deployment::retrying(const HostResult& result, Duration /*wait*/) {
  work_.view().note(
      fmt::format("{}: {} (trying again)", work_.inventory().at(result.host).name, result.reason));
}

void Deployment::output(HostIndex host, std::string_view part) {
  fetching_.take_output(host, part);
}

void Deployment::finished_of(const JobKind& kind, HostResult& result) {
  work_.unframe(result);
  const bool was_ready = run_.at(result.host).reach == Reach::ready;
  static_cast<void>(arrival_.take(kind, result) || lease_.take(kind, result) ||
                    source_.take(kind, result) || fetching_.take(kind, result) ||
                    ending_.take(kind, result));
  if (!was_ready && run_.at(result.host).reach == Reach::ready) {
    drop_if_other_name(run_, result.host, outcome_.other_names, [this](HostIndex other) {
      return run_.at(other).state != HostState::waiting;
    });
  }
}

void Deployment::tick() {
  LiveState state{.title = work_.title(),
                  .stage = stage_,
                  .failed_before = static_cast<uint32_t>(work_.failures().size())};
  if (stage_.empty()) {
    state.stage = fetching_.is_open()     ? "fetching"
                  : packing_.is_at_work() ? packing_.text()
                                          : "preparing";
  }
  state.counts = run_.counts();
  if (fetching_.is_open()) {
    state.own_view = fetching_.view();
  }
  work_.show(state);
}

}  // namespace murder::fleet
