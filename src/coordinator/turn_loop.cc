#include "coordinator/turn_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/random_word.h"

namespace murder::coordinator {
namespace {

int64_t wall_clock_s() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::max<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_1970).count(), 0);
}

// Time alone brings nothing but that hosts which were told are lost: late is soon enough, and each
// decision looks at all hosts.
constexpr Duration decide_every_when_over = std::chrono::seconds(10);

bool all_rollouts_are_over(const control::State& state) {
  return std::all_of(state.apps.begin(), state.apps.end(), [](const auto& app) {
    return !app.second.rollout || control::is_over(app.second.rollout->state);
  });
}

}  // namespace

TurnLoop::TurnLoop(io::Reactor& reactor, TurnOwner& owner, std::string own_address)
    : reactor_(reactor),
      owner_(owner),
      own_address_(std::move(own_address)),
      tick_(reactor.timers(), callback<&TurnLoop::on_tick>(this)),
      lead_timer_(reactor.timers(), callback<&TurnLoop::on_lead_due>(this)),
      hook_(callback<&TurnLoop::on_turn_end>(this)) {}

void TurnLoop::begin(StoreThread& store) {
  ENSURE(store_ == nullptr);
  store_ = &store;
  reactor_.add_turn_hook(hook_);
  store_->ask(ClaimLead{.own_address = own_address_});
}

void TurnLoop::end() {
  state_ = State::ended;
  hook_.remove();
  tick_.cancel();
  lead_timer_.cancel();
}

control::Moment TurnLoop::moment() const {
  return {.now = reactor_.now(), .wall_s = wall_clock_s()};
}

// --- The store -----------------------------------------------------------------------------------

void TurnLoop::store_replied(StoreReply reply) {
  std::visit(
      [this](auto& each) {
        using Reply = std::decay_t<decltype(each)>;
        if constexpr (requires { take(std::move(each)); }) {
          take(std::move(each));
        } else {
          owner_.store_replied(StoreReply(std::in_place_type<Reply>, std::move(each)));
        }
      },
      reply);
}

void TurnLoop::take(LeadClaimed reply) {
  if (state_ != State::claiming) {
    return;
  }
  if (!reply.leads) {
    lose(reply.leads.error());
  } else if (!*reply.leads) {
    leader_ = std::move(reply.leader);
    follows_ = true;
    state_ = State::following;
    tick_.arm(reactor_.now() + limits::lead_renewed_every);
    owner_.follows(leader_);
  } else {
    leader_.clear();
    follows_ = false;
    state_ = State::loading;
    store_->ask(LoadState{});
  }
}

void TurnLoop::take(StateLoaded reply) {
  if (state_ != State::loading) {
    return;
  }
  Result<uint64_t> origin = random_word();
  if (!reply.state || !origin) {
    lose(reply.state ? origin.error() : reply.state.error());
    return;
  }
  machine_.emplace(std::move(*reply.state), std::max<uint64_t>(*origin, 1), moment());
  lead_timer_.arm(reactor_.now() + limits::lead_renewed_every);
  decide(monotonic_now());  // the record that it has begun
  ENSURE(state_ == State::writing);
}

void TurnLoop::take(RecordsAppended reply) {
  if (state_ != State::writing) {
    return;  // of a machine that was dropped
  }
  if (!reply.done) {
    lose(reply.done.error());
    return;
  }
  last_number_ = reply.last_number;
  wants_snapshot_ = reply.wants_snapshot;
  settle(reply.records);
}

void TurnLoop::take(LeadKept reply) {
  is_keeping_lead_ = false;
  if (!machine_ || state_ == State::ended) {
    return;
  }
  if (reply.leads && !*reply.leads) {
    lose({ErrorCode::conflict, "this coordinator does not lead any more"});
  }
}

void TurnLoop::take(SnapshotWritten reply) {
  is_writing_snapshot_ = false;
  if (!reply.done) {
    owner_.warn(fmt::format("no snapshot of the coordinator's state: {}", reply.done.error().text));
  }
}

void TurnLoop::lose(const Error& why) {
  machine_.reset();
  tells_.clear();
  tell_again_.clear();
  told_count_ = 0;
  must_decide_ = is_urgent_ = has_begun_ = follows_ = false;
  failure_ = why.text;
  ++failure_count_;
  state_ = State::pausing;
  lead_timer_.cancel();
  tick_.arm(reactor_.now() + retry_after_);
  retry_after_ = std::min(2 * retry_after_, limits::store_retry_max);
  owner_.machine_lost(why);
}

// --- The turns -----------------------------------------------------------------------------------

void TurnLoop::on_turn_end(io::TurnHook&) {
  if (state_ == State::open) {
    put_in_and_decide();
  } else if (state_ == State::telling) {
    tell_some();
  }
}

void TurnLoop::put_in_and_decide() {
  ENSURE(machine_ && tells_.empty());
  if (std::exchange(has_inputs_, false)) {
    const Inputs inputs = owner_.put_in(*machine_, moment());
    must_decide_ = must_decide_ || inputs.came;
    is_urgent_ = is_urgent_ || inputs.is_urgent;
    if (inputs.more_wait) {
      has_inputs_ = true;
      reactor_.skip_wait();
    }
  }
  must_decide_ = must_decide_ || !tell_again_.empty();
  if (!must_decide_) {
    return;
  }
  const Instant now = monotonic_now();
  if (is_urgent_ || now >= decide_not_before_) {
    decide(now);
  } else if (tick_.deadline() > decide_not_before_) {
    tick_.arm(decide_not_before_);
  }
}

void TurnLoop::decide(Instant now) {
  ENSURE(tells_.empty());
  must_decide_ = is_urgent_ = false;
  control::Decisions decisions = machine_->decide(moment());
  const Instant end = monotonic_now();
  decide_not_before_ =
      end + std::min(limits::decide_pause_factor * (end - now), limits::decide_pause_max);
  tells_ = std::move(decisions.tell);
  if (decisions.records.empty()) {
    settle({});
  } else {
    state_ = State::writing;
    store_->ask(AppendRecords{.records = std::move(decisions.records)});
  }
}

void TurnLoop::settle(std::span<const control::Record> records) {
  ENSURE(machine_ && told_count_ == 0);
  state_ = State::telling;
  if (!std::exchange(has_begun_, true)) {
    failure_.clear();
    retry_after_ = limits::store_retry_first;
    owner_.machine_began(*machine_);
  }
  owner_.settled(*machine_, records);
  tell_some();
}

void TurnLoop::tell_some() {
  ENSURE(machine_ && state_ == State::telling && told_count_ <= tells_.size());
  if (told_count_ == 0) {
    tells_.insert(tells_.end(), tell_again_.begin(), tell_again_.end());
    tell_again_.clear();
  }
  const size_t end = std::min<size_t>(tells_.size(), told_count_ + limits::told_per_turn);
  while (told_count_ < end) {
    owner_.tell(*machine_, tells_[told_count_++]);
  }
  if (told_count_ == tells_.size()) {
    open();
  } else {
    reactor_.skip_wait();
  }
}

// All that the machine knows is on the disk.
void TurnLoop::open() {
  tells_.clear();
  told_count_ = 0;
  state_ = State::open;
  write_snapshot_if_due();
  arm_tick();
  if (has_inputs_ || !tell_again_.empty()) {
    reactor_.skip_wait();
  }
}

void TurnLoop::write_snapshot_if_due() {
  ENSURE(machine_ && state_ == State::open);
  if (is_writing_snapshot_ || !wants_snapshot_) {
    return;
  }
  is_writing_snapshot_ = true;
  wants_snapshot_ = false;
  store_->ask(WriteSnapshot{.state = machine_->state()});
}

void TurnLoop::arm_tick() {
  const Instant next = reactor_.now() + limits::decide_every;
  if (!tick_.armed() || tick_.deadline() > next) {
    tick_.arm(next);
  }
}

void TurnLoop::on_tick(io::Timer&) {
  if (state_ == State::pausing || state_ == State::following) {
    state_ = State::claiming;
    store_->ask(ClaimLead{.own_address = own_address_});
    return;
  }
  if (machine_) {
    const bool is_due = !all_rollouts_are_over(machine_->state()) ||
                        reactor_.now() >= decide_not_before_ + decide_every_when_over;
    must_decide_ = must_decide_ || (state_ == State::open && is_due);
    arm_tick();
  }
}

void TurnLoop::on_lead_due(io::Timer& timer) {
  if (!is_keeping_lead_) {
    is_keeping_lead_ = true;
    store_->ask(KeepLead{});
  }
  timer.arm(reactor_.now() + limits::lead_renewed_every);
}

}  // namespace murder::coordinator
