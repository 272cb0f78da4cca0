// The loop around control::Coordinator: inputs are put in, decisions are made, their records are
// written, and only then agents are told and operators answered (docs/rollouts.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coordinator/bounds.h"
#include "coordinator/store_thread.h"
#include "engine/base/instant.h"
#include "engine/control/coordinator.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"
#include "engine/io/turn_hook.h"

namespace murder::coordinator {

// What was put in, for how soon it is decided upon.
struct Inputs {
  bool came = false;       // anything that changes what may be decided
  bool is_urgent = false;  // an operator waits
  bool more_wait = false;  // for the next turn of the reactor
};

class TurnOwner {
 public:
  // Hears reports, carries out orders: at most as many as keep the turn short. What `machine` says
  // meanwhile is for nobody to know before settled().
  virtual Inputs put_in(control::Coordinator& machine, control::Moment moment) = 0;
  // All that was put in is on the disk, with what was decided of it: operators are answered.
  virtual void settled(const control::Coordinator& machine,
                       std::span<const control::Record> records) = 0;
  virtual void tell(const control::Coordinator& machine, control::AgentIndex agent) = 0;
  // Agents have to report again.
  virtual void machine_began(const control::Coordinator& machine) = 0;
  // What was put in since settled() was lost; nobody was told of it.
  virtual void machine_lost(const Error& why) = 0;
  // Another one leads: nothing is put in, perhaps for long. Called again each time it was asked.
  virtual void follows(const std::string& leader) = 0;
  virtual void store_replied(StoreReply reply) = 0;  // to what the owner asked
  virtual void warn(const std::string& text) = 0;

 protected:
  ~TurnOwner() = default;
};

// On the thread of its reactor; the owner outlives it. States:
//
//   claiming  the store is asked whether this process leads -> loading, following, pausing
//   following another one leads; asked again after a second -> claiming
//   loading   the store reads the records                   -> writing, pausing
//   open      inputs are put in, then decided upon          -> writing, telling
//   writing   records are on their way to the disk          -> telling, pausing
//   telling   agents are told, some in each turn            -> open
//   pausing   the store failed; a timer is armed            -> claiming
//   ended     for good
//
// The machine is there from writing (the record that it has begun) until the store fails or the
// lead is lost, in whatever state; then it is dropped, with all that is not on the disk.
class TurnLoop {
 public:
  enum class State : uint8_t {
    claiming,
    following,
    loading,
    open,
    writing,
    telling,
    pausing,
    ended
  };

  TurnLoop(io::Reactor& reactor, TurnOwner& owner, std::string own_address);
  TurnLoop(const TurnLoop&) = delete;
  TurnLoop& operator=(const TurnLoop&) = delete;

  // Asks for the lead now. The store's thread calls store_replied() of this object.
  void begin(StoreThread& store);
  // Nothing is put in, decided or asked any more.
  void end();
  void store_replied(StoreReply reply);
  // Something waits to be put in.
  void wake() { has_inputs_ = true; }
  // The agent is told again, once nothing is being written.
  void tell_again(control::AgentIndex agent) { tell_again_.push_back(agent); }

  [[nodiscard]] State state() const { return state_; }
  // None: it does not lead, or reads its state.
  [[nodiscard]] bool leads() const { return has_begun_; }
  // Another one led when the store was last asked.
  [[nodiscard]] bool follows() const { return follows_; }
  [[nodiscard]] const std::string& leader() const { return leader_; }      // empty: not known
  [[nodiscard]] uint64_t last_number() const { return last_number_; }      // of the log
  [[nodiscard]] const std::string& failure() const { return failure_; }    // of the store, last
  [[nodiscard]] uint64_t failure_count() const { return failure_count_; }  // of the store
  // All that it knows is on the disk, and may be told; nullptr: it does not lead, or something is
  // being decided.
  [[nodiscard]] const control::Coordinator* settled_machine() const {
    const bool is_settled = state_ == State::telling || (state_ == State::open && !must_decide_);
    return is_settled && has_begun_ ? &*machine_ : nullptr;
  }

 private:
  void take(LeadClaimed reply);
  void take(LeadKept reply);
  void take(StateLoaded reply);
  void take(RecordsAppended reply);
  void take(SnapshotWritten reply);

  void on_turn_end(io::TurnHook& hook);
  void on_tick(io::Timer& timer);
  void on_lead_due(io::Timer& timer);
  void put_in_and_decide();
  void decide(Instant now);
  void settle(std::span<const control::Record> records);
  void tell_some();
  void open();
  void lose(const Error& why);
  void arm_tick();
  void write_snapshot_if_due();
  [[nodiscard]] control::Moment moment() const;

  io::Reactor& reactor_;
  TurnOwner& owner_;
  const std::string own_address_;
  StoreThread* store_ = nullptr;
  State state_ = State::claiming;
  std::optional<control::Coordinator> machine_;
  std::string leader_;
  std::string failure_;
  uint64_t failure_count_ = 0;
  bool follows_ = false;
  bool has_begun_ = false;  // the record that says so is on the disk
  bool has_inputs_ = false;
  bool must_decide_ = false;  // something was put in, or time has passed
  bool is_urgent_ = false;
  bool is_keeping_lead_ = false;  // it was asked, and has not answered
  Instant decide_not_before_{};
  Duration retry_after_ = limits::store_retry_first;
  std::vector<control::AgentIndex> tells_;  // of the last decision, that are not told yet
  size_t told_count_ = 0;
  std::vector<control::AgentIndex> tell_again_;
  uint64_t last_number_ = 0;
  bool wants_snapshot_ = false;
  bool is_writing_snapshot_ = false;
  io::Timer tick_;
  io::Timer lead_timer_;
  io::TurnHook hook_;
};

}  // namespace murder::coordinator
