// The coordinator's process in a simulation: its turns, its disk, its deaths.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/control/apply.h"
#include "engine/control/snapshot.h"
#include "engine/control/wanted.h"
#include "engine/sim/control/world.h"

namespace murder::control_sim {

void World::start_coordinator() {
  if (coordinator_) {
    return;
  }
  Result<control::State> state = control::replay(log_, now_);
  ENSURE(state.has_value());
  control::ensure_consistent(*state);
  check_replay(*state);
  if (prng_.below(2) == 0 && !log_.empty()) {
    compact_ = control::snapshot_of(*state);
  }
  if (!log_.empty()) {
    ++restart_count_;
    // A clock that is wrong by years decides nothing.
    wall_offset_s_ += prng_.below(4) == 0 ? int64_t{86'400} * prng_.below(4000) : 0;
  }
  note(fmt::format("the coordinator starts with {} records", log_.size()));
  coordinator_.emplace(std::move(*state), options_.seed + 1, moment());
  ++coordinator_process_;
  is_turn_due_ = false;
  schedule({.kind = EventKind::turn, .process = coordinator_process_, .number = 1}, Duration{});
}

// A snapshot and what followed it is the same state as all records, and each host is told the same.
void World::check_replay(const control::State& state) {
  if (compact_.empty()) {
    return;
  }
  const Result<control::State> compact = control::replay(compact_, now_);
  if (!compact || control::text_of(*compact) != control::text_of(state)) {
    checks_.note(fmt::format("a snapshot with {} records is another state than {} records: {}",
                             compact_.size(), log_.size(), compact ? "" : compact.error().text));
    return;
  }
  for (uint32_t index = 0; index < state.agents.size(); ++index) {
    if (control::wanted_apps(state, control::AgentIndex{index}) !=
        control::wanted_apps(*compact, control::AgentIndex{index})) {
      checks_.note(
          fmt::format("after a snapshot {} is told something else", state.agents[index].name));
    }
  }
}

void World::take_report(const Event& event) {
  Host& host = *hosts_[event.host];
  if (!coordinator_ || host.is_cut) {
    return;
  }
  const std::string identity = identity_of(event.host);
  const Status heard = coordinator_->hear(*event.report, identity, moment());
  if (heard && event.report->host == host.name()) {
    host.delivered_at = std::max(host.delivered_at, event.sent_at);
  }
  if (heard && event.report->host != host.name() && find_host(event.report->host) != nullptr) {
    const auto known = coordinator_->state().find_agent(event.report->host);
    if (known && coordinator_->state().agent(*known).identity != identity) {
      checks_.note(fmt::format("{} was believed to be {}", host.name(), event.report->host));
    }
  }
  if (!is_turn_due_) {
    is_turn_due_ = true;
    schedule({.kind = EventKind::turn, .process = coordinator_process_},
             std::chrono::milliseconds(20));
  }
}

void World::take_turn() {
  const control::Decisions decisions = coordinator_->decide(moment());
  if (!write(decisions.records)) {
    coordinator_.reset();
    schedule({.kind = EventKind::coordinator_starts}, between(prng_, 0.1, 40));
    return;
  }
  for (const control::AgentIndex agent : decisions.tell) {
    tell(agent);
  }
}

// False: the coordinator died before it could tell anybody; some of the records may be written.
bool World::write(const std::vector<control::Record>& records) {
  size_t written = records.size();
  bool dies = false;
  if (dies_in_turn_ && (!records.empty() || prng_.below(3) == 0)) {
    dies = true;
    written = prng_.below(static_cast<uint32_t>(records.size() + 1));
    dies_in_turn_ = false;
  }
  if (options_.dies_at_record > log_.size() &&
      options_.dies_at_record <= log_.size() + records.size()) {
    dies = true;
    written = options_.dies_at_record - log_.size();
  }
  for (size_t index = 0; index < written; ++index) {
    follow(records[index]);
  }
  if (dies) {
    note(
        fmt::format("the coordinator dies with {} of {} records written", written, records.size()));
  } else if (!records.empty() && log_.size() % 7 == 0) {
    control::ensure_consistent(coordinator_->state());
  }
  return !dies;
}

void World::follow(const control::Record& record) {
  log_.push_back(record);
  if (!compact_.empty()) {
    compact_.push_back(record);
  }
  last_record_at_ = now_;
  if (keeps_history_) {
    note(control::text_of(record));
  }
  if (options_.seed % 16 == 0) {
    const std::string text = control::text_of(record);
    const Result<control::Record> again = control::parse_record(text);
    if (!again || control::text_of(*again) != text) {
      checks_.note("a record is read as another one: " + text);
    }
  }
  if (const auto* told = std::get_if<control::Told>(&record.what)) {
    keep_what_ran(*told);
  }
  if (const auto* revoked = std::get_if<control::ReleaseRevoked>(&record.what)) {
    const control::App* app = coordinator_->state().find_app(revoked->app);
    const control::Release* release = find_release(*app, revoked->number);
    for (TrueRelease& each : releases_.all()) {
      if (release != nullptr && each.info_hash == release->info_hash) {
        each.revoked_at = std::min(each.revoked_at, now_);
      }
    }
  }
  rollout_count_ += std::holds_alternative<control::RolloutStarted>(record.what) ? 1 : 0;
  checks_.follow(record, now_, moment().wall_s);
}

// So that the end can tell whether an undo has brought it back.
void World::keep_what_ran(const control::Told& told) {
  Host* host = find_host(told.host);
  const FollowedRollout* rollout = checks_.rollout(told.app);
  if (host == nullptr || rollout == nullptr || rollout->touched.contains(told.host)) {
    return;
  }
  for (uint32_t index = 0; index < options_.app_count; ++index) {
    if (app_name(index) != told.app) {
      continue;
    }
    TrueApp& real = host->apps[index];
    real.before_first_told = real.current;
    const control::App* app = coordinator_->state().find_app(told.app);
    const control::Release* before = find_release(*app, told.before);
    // A disk that was lost since its last report: what it reported is what it returns to.
    if (host->wiped_at >= host->delivered_at && before != nullptr) {
      real.before_first_told = before->info_hash;
    }
  }
}

void World::tell(control::AgentIndex agent) {
  // To whom the name belongs, whoever that is.
  const auto host = std::find_if(hosts_.begin(), hosts_.end(), [&](const auto& each) {
    return coordinator_->state().agent(agent).identity == identity_of(each->index());
  });
  ENSURE(host != hosts_.end());
  Event event{.kind = EventKind::wanted,
              .host = (*host)->index(),
              .process = (*host)->process(),
              .sent_at = now_};
  event.wanted = std::make_unique<control::Wanted>(coordinator_->wanted_for(agent));
  deliver(std::move(event));
}

}  // namespace murder::control_sim
