#include "cli/fleet/rollout/rollout_deployment.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "cli/fleet/deploy_key.h"
#include "cli/fleet/deploy_lock_text.h"
#include "cli/fleet/own_process.h"
#include "cli/fleet/plan/deploy_decisions.h"
#include "cli/fleet/plan/rollout_step.h"
#include "cli/fleet/rollout/agent_start.h"
#include "cli/fleet/rollout/rollout_parts.h"
#include "cli/fleet/seeding.h"
#include "cli/fleet/steps.h"
#include "engine/base/endpoint.h"
#include "engine/host/control.h"
#include "engine/host/deploy_locks.h"

namespace murder::fleet {

RolloutDeployment::RolloutDeployment(Work& work, const DeployOptions& options,
                                     std::optional<DeployState> before)
    : work_(work),
      options_(options),
      before_(std::move(before)),
      run_(work, options, *this, &ending_),
      arrival_(run_),
      packing_(run_),
      following_(run_),
      agents_(run_),
      channels_(run_),
      coordinate_kind_(run_.kind("coordinate")),
      send_kind_(run_.kind("send-archive")),
      seed_kind_(run_.kind("start-seeding")),
      clean_kind_(run_.kind("clean-up")) {
  clean_kind_.cancel = &work.interrupts().cleaning_up();
  coordinate_kind_.has_live_input = true;
  coordinate_kind_.follows_output = true;
  coordinate_kind_.command_timeout = Duration::zero();
  coordinate_kind_.retries = 0;  // one that is at work would be in the way of the next
  coordinate_kind_.cancel = &work.interrupts().cleaning_up();
  send_kind_.command_timeout = options.timeout;
}

DeployOutcome RolloutDeployment::run(std::span<const HostIndex> hosts) {
  outcome_.hosts_expected = options_.hosts_expected;
  outcome_.fatal = start(hosts);
  if (outcome_.fatal) {
    outcome_.fatal = bring();
  }
  end();
  if (outcome_.why_commands.empty()) {
    fill_outcome();
  }
  return std::move(outcome_);
}

Status RolloutDeployment::start(std::span<const HostIndex> hosts) {
  if (!run_.key.empty()) {
    const Result<std::string> operator_key = make_deploy_operator_key();
    if (!operator_key) {
      return fail(operator_key.error());
    }
    coordinator_keys_ = fmt::format("{}\n{}\n", run_.key, *operator_key);
  }
  add_earlier_hosts();
  std::vector<HostIndex> all(hosts.begin(), hosts.end());
  all.insert(all.end(), earlier_.begin(), earlier_.end());
  for (const HostIndex host : all) {
    run_.at(host).is_peer = true;
    following_.add_host(agent_name_of(work_.inventory().at(host), host.raw), host);
  }
  for (const HostIndex host : work_.inventory().seeders) {
    if (!contains(all, host)) {
      all.push_back(host);
    }
  }
  missing_told_.resize(run_.hosts.size());
  Result<PrivateDirectory> directory = PrivateDirectory::make(options_.local_temp_path);
  if (!directory) {
    return fail(directory.error());
  }
  directory_.emplace(std::move(*directory));
  packing_.begin(directory_->path());
  return arrival_.start(all);
}

// Until coordinate has told what came of it, or nothing further can come.
Status RolloutDeployment::bring() {
  while (!is_left_) {
    take_interrupt();
    channels_.look(following_.is_ending());
    if (!is_end_told_) {
      if (Status advanced = advance(); !advanced) {
        return advanced;
      }
    } else if (!is_asked_) {
      return fail(ErrorCode::interrupted, "interrupted");
    }
    if (!following_.ended().is_null()) {
      return {};
    }
    watch_silence();
    run_.runner.step(wake_fd());
  }
  return {};
}

Status RolloutDeployment::advance() {
  if (!trouble_) {
    return trouble_;
  }
  if (Status packed = take_packed(); !packed) {
    return packed;
  }
  if (Status chosen = choose_host(); !chosen) {
    return chosen;
  }
  ask_coordinator();
  // An agent follows on each host that was reached, in the same session, as soon as it is known
  // where the coordinator is. Hosts that are looked for again have no session.
  run_.runner.hold_new_hosts(coordinator_.empty() && (host_ || lost_.hosts().empty()));
  leave_unreached();
  if (!coordinator_.empty()) {
    start_agents();
    if (Status served = serve(); !served) {
      return served;
    }
    tell_coordinator();
  }
  return {};
}

Status RolloutDeployment::take_packed() {
  Result<std::optional<PackedRelease>> release = packing_.take();
  if (!release) {
    return fail(release.error());
  }
  if (!*release) {
    return {};
  }
  release_ = std::move(*release);
  outcome_.info_hash = release_->torrent.info_hash.hex();
  following_.set_total(release_->archive_bytes);
  return check_same_release(before_, options_.source, outcome_.info_hash);
}

// --- The host of the coordinator -----------------------------------------------------------------

Status RolloutDeployment::choose_host() {
  if (host_) {
    return {};
  }
  const Inventory& inventory = work_.inventory();
  const std::vector<HostIndex>& order =
      inventory.is_seeder_default ? inventory.default_order : inventory.seeders;
  host_ = choose_default_host(
      order, [this](HostIndex each) { return run_.at(each).reach; },
      monotonic_now() >= lost_.patient_until(arrival_.first_ready_at()));
  if (!host_) {
    const bool are_lost = std::ranges::all_of(
        order, [this](HostIndex each) { return run_.at(each).reach == Reach::lost; });
    return are_lost ? Status(fail(ErrorCode::io, text_of_no_host(run_, lost_))) : Status();
  }
  if (*host_ != order.front()) {
    work_.view().note(fmt::format("{} is tracker and seeder in place of {}",
                                  inventory.at(*host_).name, inventory.at(order.front()).name));
  }
  return {};
}

void RolloutDeployment::ask_coordinator() {
  if (is_asked_ || !host_ || (!coordinator_.empty() && !asks_again_)) {
    return;
  }
  is_asked_ = true;
  heard_at_ = monotonic_now();
  asks_again_ = false;
  run_.at(*host_).is_touched = true;
  run_.add(*host_, coordinate_kind_,
           coordinate_command_of(
               run_, {.has_keys = !coordinator_keys_.empty(),
                      .has_other_way = options_.rollout->has_other_way && lost_.hosts().empty(),
                      .waits_for_port = awaits_port_,
                      .replaced = replaced_,
                      .ousted = ousted_}));
  if (!coordinator_keys_.empty()) {
    say({{"keys", coordinator_keys_}});
  }
}

// It has ended: before it began, or after its last word.
void RolloutDeployment::take_coordinator(const HostResult& result) {
  is_asked_ = false;
  if (asks_again_ || !following_.ended().is_null() || !trouble_ || return_to(result)) {
    return;
  }
  trouble_ = fail(ErrorCode::io,
                  text_of_lost_coordinator(work_.inventory().at(*host_).name, result,
                                           {.has_order = has_order_,
                                            .is_ending = following_.is_ending() || is_end_told_,
                                            .is_attached = options_.rollout->is_attached}));
}

void RolloutDeployment::take_busy(const Json& told, bool is_lost) {
  const host::DeployLock holder = host::lock_of(told);
  const std::optional<Origin> origin = decode_origin(holder.origin);
  const bool is_known_to_be_gone = origin && is_gone(*origin, own_origin(), start_of_process);
  const bool is_new = std::ranges::find(replaced_, holder.token) == replaced_.end() &&
                      std::ranges::find(ousted_, holder.token) == ousted_.end();
  if (!is_lost && is_new && (is_known_to_be_gone || options_.take_over)) {
    work_.view().note(text_of_replacing(holder, is_known_to_be_gone));
    // One that goes on without who started it is told, and ends.
    (is_known_to_be_gone && !holder.is_coordinated ? replaced_ : ousted_).push_back(holder.token);
    awaits_port_ = awaits_port_ || holder.is_coordinated;
    asks_again_ = true;
    following_.forget_lock();
    return;
  }
  outcome_.is_refused = !is_lost && lost_.hosts().empty();
  trouble_ = fail(ErrorCode::conflict,
                  text_of_busy(holder, work_.inventory().at(*host_).name, options_.own_words));
}

// --- The release ---------------------------------------------------------------------------------

Status RolloutDeployment::serve() {
  if (!release_ || is_serving_) {
    return {};
  }
  if (Status named = name_tracker(); !named) {
    return named;
  }
  if (Status made = make_orders(); !made || making_orders_ != nullptr) {
    return made;
  }
  const SeederStep step = seeder_step_of(leased_, options_.tag);
  if (leased_["resumed"] == true && step == SeederStep::replace) {
    // The seeder of this deploy, which its coordinator knows.
    send_order();
    is_serving_ = has_seeder_ = true;
    say({{"serving", true}});
    return {};
  }
  if (step == SeederStep::refuse) {
    work_.note_failure({.host = *host_,
                        .name = work_.inventory().at(*host_).name,
                        .stage = seed_kind_.stage,
                        .outcome = std::string(outcome_name(Outcome::failed)),
                        .reason = text_of_foreign_seeder(options_.tag, options_.own_words)});
    return fail(ErrorCode::conflict, "no seeder could be started");
  }
  is_serving_ = true;
  if (Status prepared = prepare_seeder_input(); !prepared) {
    return prepared;
  }
  send_order();
  run_.add(*host_, send_kind_,
           seeding_command(work_, *host_,
                           {.release = *release_,
                            .tag = options_.tag,
                            .directory = options_.temp_path,
                            .limits = options_.limits,
                            .no_sync = options_.no_sync,
                            .ends_another = step == SeederStep::replace,
                            .receives = true,
                            .torrent_follows = seeder_input_.torrent_follows,
                            .has_key = !run_.key.empty(),
                            .ends_with_deploy = true,
                            .keeps_archive = options_.keep_temp_files}));
  return {};
}

Status RolloutDeployment::name_tracker() {
  if (has_tracker_) {
    return {};
  }
  Result<LocalTorrent> torrent =
      with_trackers(release_->torrent, {fmt::format("http://{}/announce", coordinator_)});
  if (!torrent) {
    return fail(torrent.error());
  }
  release_->torrent = std::move(*torrent);
  has_tracker_ = true;
  archive_ = io::Fd(open(release_->archive_path.c_str(), O_RDONLY | O_CLOEXEC));
  return archive_.is_open() ? Status()
                            : Status(fail_errno(errno, "cannot open " + release_->archive_path));
}

Status RolloutDeployment::prepare_seeder_input() {
  Result<SeederInput> input = seeder_input_of(*release_, run_.key, archive_);
  if (!input) {
    return fail(input.error());
  }
  seeder_input_ = std::move(*input);
  seed_kind_.input = seeder_input_.torrent;
  send_kind_.input_fd = archive_.get();
  return {};
}

void RolloutDeployment::take_seeder(const HostResult& result) {
  const bool was_stopped =
      result.outcome == Outcome::interrupted || result.outcome == Outcome::not_started;
  if (result.host != host_ || (was_stopped && !is_end_told_)) {
    return;  // its host was lost, and it was stopped
  }
  if (result.outcome == Outcome::unreachable && is_asked_) {
    run_.runner.stop(host_, &coordinate_kind_);
    return;
  }
  if (!result.is_ok()) {
    trouble_ = is_end_told_
                   ? Status()
                   : Status(fail(ErrorCode::io,
                                 fmt::format("no seeder could be started on {}: {}",
                                             work_.inventory().at(*host_).name, result.reason)));
    return;
  }
  if (json_output(result).is_null()) {
    // It was too large to be sent along: now the torrent.
    run_.add(*host_, seed_kind_,
             seeding_command(work_, *host_,
                             {.release = *release_,
                              .tag = options_.tag,
                              .directory = options_.temp_path,
                              .limits = options_.limits,
                              .ends_with_deploy = true,
                              .keeps_archive = options_.keep_temp_files}));
    return;
  }
  has_seeder_ = true;
  say({{"serving", true}});
}

}  // namespace murder::fleet
