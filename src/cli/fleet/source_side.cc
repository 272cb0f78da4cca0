#include "cli/fleet/source_side.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/fleet/deploy_lock_text.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/steps.h"
#include "engine/host/control.h"

namespace murder::fleet {
namespace {

// How long the first hosts may be slower than another that has answered, and be tracker and seeder
// all the same: the same hosts each time are easier to look after.
constexpr Duration first_host_grace = std::chrono::seconds(5);

}  // namespace

SourceSide::SourceSide(DeployRun& run, const Arrival& arrival, DeployLease& lease)
    : run_(run),
      arrival_(arrival),
      lease_(lease),
      create_kind_(run.kind("create-torrent")),
      torrent_kind_(run.kind("download-torrent")),
      send_kind_(run.kind("send-archive")),
      seed_kind_(run.kind("start-seeding")),
      look_kind_(run.kind("start-seeding")) {
  torrent_kind_.output_bytes_max = torrent_output_bytes_max;
  create_kind_.command_timeout = run.options.timeout;
  send_kind_.command_timeout = run.options.timeout;
}

bool SourceSide::is_seeder(HostIndex host) const {
  return !run_.options.local_seeder && contains(run_.work.inventory().seeders, host);
}

bool SourceSide::is_about_to_serve() const {
  return release_ && archive_.is_open() && release_->archive_bytes <= archive_soon_there_bytes &&
         std::any_of(seeders_starting_.begin(), seeders_starting_.end(),
                     [this](HostIndex host) { return !contains(lost_, host); });
}

bool SourceSide::is_starting_on(HostIndex host) const {
  const std::string& machine = run_.work.facts_of(host).machine;
  return std::any_of(seeders_starting_.begin(), seeders_starting_.end(), [&](HostIndex seeder) {
    const bool is_there =
        seeder == host || (!machine.empty() && run_.work.facts_of(seeder).machine == machine);
    return is_there && !contains(serving_, seeder) && !contains(lost_, seeder);
  });
}

bool SourceSide::is_lost(std::span<const HostIndex> hosts) const {
  return std::all_of(hosts.begin(), hosts.end(), [this](HostIndex host) {
    return run_.at(host).reach == Reach::lost || contains(lost_, host);
  });
}

// What it cannot do as a tracker or seeder, it may do as a peer.
void SourceSide::lose(HostIndex host, std::string_view stage, std::string reason) {
  lost_.push_back(host);
  run_.work.note_failure({.host = host,
                          .name = run_.work.inventory().at(host).name,
                          .stage = std::string(stage),
                          .outcome = std::string(outcome_name(Outcome::failed)),
                          .reason = std::move(reason)});
}

void SourceSide::lose(const HostResult& result) {
  lost_.push_back(result.host);
  run_.work.note_failure(result);
}

// Where two deploys of one app meet.
const std::vector<HostIndex>& SourceSide::lock_hosts() const {
  const Inventory& inventory = run_.work.inventory();
  return run_.options.local_seeder ? inventory.trackers : inventory.seeders;
}

Status SourceSide::advance() {
  if (!lease_.trouble()) {
    return lease_.trouble();
  }
  if (Status chosen = choose_roles(); !chosen || !has_roles_) {
    return chosen;
  }
  if (Status asked = ask_for_locks(); !asked) {
    return asked;
  }
  lease_.settle_key();
  if (Status tracked = have_trackers(); !tracked) {
    return tracked;
  }
  if (Status packed = pack_there(); !packed) {
    return packed;
  }
  if (Status taken = take_signed(); !taken) {
    return taken;
  }
  if (Status complete = complete_release(); !complete) {
    return complete;
  }
  return serve();
}

Status SourceSide::choose_roles() {
  const Inventory& inventory = run_.work.inventory();
  const bool is_seeder_open = inventory.is_seeder_default && !run_.options.local_seeder;
  if (has_roles_ || (!inventory.is_tracker_default && !is_seeder_open)) {
    has_roles_ = true;
    return {};
  }
  const std::vector<HostIndex>& order = inventory.default_order;
  const std::optional<Instant> first = arrival_.first_ready_at();
  const std::optional<HostIndex> host = choose_default_host(
      order, [this](HostIndex each) { return run_.at(each).reach; },
      first && monotonic_now() - *first >= first_host_grace);
  if (!host) {
    return is_lost(order) ? Status(fail(ErrorCode::io, "no host could be given the program"))
                          : Status();
  }
  if (*host != order.front()) {
    run_.work.view().note(fmt::format("{} is {} in place of {}", inventory.at(*host).name,
                                      inventory.is_tracker_default && is_seeder_open
                                          ? "tracker and seeder"
                                      : is_seeder_open ? "seeder"
                                                       : "tracker",
                                      inventory.at(order.front()).name));
  }
  if (inventory.is_tracker_default) {
    run_.work.assign_role(Role::tracker, *host);
  }
  if (is_seeder_open) {
    run_.work.assign_role(Role::seeder, *host);
  }
  has_roles_ = true;
  return {};
}

Status SourceSide::ask_for_locks() {
  const Inventory& inventory = run_.work.inventory();
  const std::vector<HostIndex>& lock_on = lock_hosts();
  for (const std::vector<HostIndex>* hosts : {&lock_on, &inventory.trackers}) {
    for (const HostIndex host : *hosts) {
      if (run_.at(host).reach == Reach::ready && !lease_.is_asked(host)) {
        lease_.ask(host, !contains(lock_on, host), contains(inventory.trackers, host));
      }
    }
  }
  return is_lost(lock_on) && !run_.options.local_seeder
             ? Status(fail(ErrorCode::io, "no seeder could be started"))
             : Status();
}

// --- Serving -------------------------------------------------------------------------------------

Status SourceSide::serve() {
  const bool is_tracked = std::any_of(trackers_.begin(), trackers_.end(),
                                      [](const auto& tracker) { return tracker.second; });
  if (!release_ || !is_tracked) {
    return {};
  }
  if (Status prepared = prepare_input(); !prepared) {
    return prepared;
  }
  if (run_.options.local_seeder) {
    return has_begun_to_serve_ ? Status() : serve_here();
  }
  look_at_seeders();
  const std::vector<HostIndex>& seeders = run_.work.inventory().seeders;
  for (const HostIndex host : seeders) {
    if (lease_.held(host) != nullptr && run_.at(host).reach == Reach::ready &&
        !contains(seeders_starting_, host) && !contains(lost_, host)) {
      seeders_starting_.push_back(host);
      serve_on(host);
    }
  }
  return is_lost(seeders) && serving_.empty()
             ? Status(fail(ErrorCode::io, "no seeder could be started"))
             : Status();
}

SeederFound SourceSide::seeder_on(HostIndex host) const {
  const LeasedHost* leased = lease_.held(host);
  SeederFound found;
  if (leased == nullptr) {
    return found;
  }
  for (const Json& process : leased->processes) {
    if (text_member(process, "kind") == host::kind_seeder &&
        text_member(process, "tag") == run_.options.tag) {
      found.runs = true;
      found.info_hash = text_member(process, "info_hash");
      found.is_known_to_tracker = count_member(process["details"], "trackers_working") > 0;
    }
  }
  found.is_ours = leased->lock.owns_seeder;
  found.has_other_key = leased->lock.seeder_key != run_.key;
  return found;
}

void SourceSide::serve_on(HostIndex host) {
  const std::string hash = release_ ? release_->torrent.info_hash.hex() : "";
  switch (seeder_step(seeder_on(host), hash)) {
    case SeederStep::adopt:
      run_.at(host).is_touched = true;
      serving_.push_back(host);
      run_.work.view().note(fmt::format("{} serves it already, since an earlier attempt",
                                        run_.work.inventory().at(host).name));
      return;
    case SeederStep::refuse:
      lose(host, seed_kind_.stage,
           text_of_foreign_seeder(run_.options.tag, run_.options.own_words));
      return;
    case SeederStep::start:
    case SeederStep::replace:
      start_seeder(host, seeder_on(host).runs);
      return;
  }
}

// The archive and its torrent in one command, where the torrent fits into it.
void SourceSide::start_seeder(HostIndex host, bool ends_another) {
  run_.at(host).is_touched = true;
  const SeedCommand command{.release = *release_,
                            .tag = run_.options.tag,
                            .directory = run_.options.temp_path,
                            .limits = run_.options.limits,
                            .no_sync = run_.options.no_sync,
                            .ends_another = ends_another,
                            .receives = archive_.is_open(),
                            .torrent_follows = input_.torrent_follows,
                            .has_key = !run_.key.empty()};
  ++commands_at_work_;
  run_.add(host, archive_.is_open() ? send_kind_ : seed_kind_,
           seeding_command(run_.work, host, command));
}

void SourceSide::take_sent(const HostResult& result) {
  if (!result.is_ok()) {
    lose(result);
  } else if (json_output(result).is_null()) {
    // It was too large to be sent along: now the torrent.
    SeedCommand command{.release = *release_,
                        .tag = run_.options.tag,
                        .directory = run_.options.temp_path,
                        .limits = run_.options.limits};
    ++commands_at_work_;
    run_.add(result.host, seed_kind_, seeding_command(run_.work, result.host, command));
  } else {
    take_seeder(result);
  }
}

// Peers that cannot find the seeder wait in vain: better to know before they are started.
void SourceSide::take_seeder(const HostResult& result) {
  if (!result.is_ok()) {
    lose(result);
    return;
  }
  const SeederContact contact = contact_of(json_output(result));
  if (contact.is_known) {
    looks_.erase(result.host.raw);
    serving_.push_back(result.host);
    return;
  }
  const Instant now = monotonic_now();
  Look& look = looks_.try_emplace(result.host.raw, Look{.since = now}).first->second;
  if (now - look.since >= seeder_contact_timeout) {
    looks_.erase(result.host.raw);
    lose(result.host, seed_kind_.stage, contact.trouble);
    return;
  }
  look.next = now + seeder_look_interval;
}

void SourceSide::look_at_seeders() {
  for (auto& [host, look] : looks_) {
    if (monotonic_now() >= look.next) {
      look.next = instant_never;
      run_.add(HostIndex{host}, look_kind_, seeder_status_command(run_.work, run_.options.tag));
    }
  }
}

Status SourceSide::serve_here() {
  has_begun_to_serve_ = true;
  Result<std::unique_ptr<Work>> here = work_on_this_machine(run_.work, local_directory_);
  if (!here) {
    return fail(here.error());
  }
  here_ = std::move(*here);
  const std::vector<HostIndex>& self = here_->inventory().seeders;
  const std::vector<HostIndex> idle = check_idle(*here_, self, run_.options.tag);
  const std::vector<HostIndex> serving =
      start_seeders(*here_, idle, *release_, run_.options.tag, local_directory_,
                    run_.options.limits, touched_here_, run_.key);
  for (const HostFailure& failure : here_->failures()) {
    run_.work.view().warn(fmt::format("{}: {}", failure.name, failure.reason));
  }
  is_serving_here_ = !serving.empty();
  return is_serving_here_ ? Status() : Status(fail(ErrorCode::io, "no seeder could be started"));
}

bool SourceSide::take(const JobKind& kind, const HostResult& result) {
  commands_at_work_ -= &kind == &send_kind_ || &kind == &seed_kind_ ? 1 : 0;
  if (&kind == &create_kind_) {
    take_created(result);
  } else if (&kind == &torrent_kind_) {
    take_torrent(result);
  } else if (&kind == &send_kind_) {
    take_sent(result);
  } else if (&kind == &seed_kind_ || &kind == &look_kind_) {
    take_seeder(result);
  } else {
    return false;
  }
  run_.times.end(kind.stage, monotonic_now());
  return true;
}

}  // namespace murder::fleet
