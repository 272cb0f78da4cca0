// The brain of a fleet: what operators ask for and agents report goes in, records and what agents
// are to be told come out. It reads no clock, draws no random number and touches no file; the
// process around it is a thin loop (docs/rollouts.md):
//
//   put in what came (the commands, hear()), then decide(); write the records to the disk; only
//   then send wanted_for() to the agents that decide() named, and answer the operators.
//
// If the records cannot be written, the process drops this object and begins again with what is on
// the disk. Nothing that was decided since has been told to anybody.
//
// All that outlives it is the State, which only its own records change. What agents reported is
// volatile: they report again. Owned by one thread. Bounded by limits::control_*.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/control/messages.h"
#include "engine/control/record.h"
#include "engine/control/state.h"
#include "engine/control/tally.h"

namespace murder::control {

// The time of one call: `now` decides, `wall_s` (seconds since 1970) is written down for people and
// begins rollouts that were asked for a time.
struct Moment {
  Instant now{};
  int64_t wall_s = 0;
};

struct Decisions {
  std::vector<Record> records;   // to be on the disk before anything else is done, in this order
  std::vector<AgentIndex> tell;  // ascending
};

// A host that does not run what the rollout is about, and why.
struct Unsettled {
  AgentIndex agent;
  Stage stage = Stage::waiting;
  std::string why;
};

// Why a rollout that is running tells nobody, where hosts are not the reason.
enum class WaitReason : uint8_t { none, begin_time, quorum, bake };
struct RolloutWait {
  WaitReason reason = WaitReason::none;
  Duration left{};  // of the time that is waited for
};

// What an agent reported of an app, and when it last got on with it.
struct HeardApp {
  AppReport report;
  Instant progress_at{};
};

// What is known of an agent until the coordinator ends, for people.
struct Heard {
  bool is_known = false;  // it has reported since the coordinator started
  Instant at{};           // when it did so last; else when the coordinator started
  std::span<const HeardApp> apps;
};

class Coordinator {
 public:
  // Continues with a state that replay() made, or with a new one, which gets the random number
  // `origin` (not 0).
  Coordinator(State state, uint64_t origin, Moment moment);

  // --- what operators ask for; an error is for them to read, and then nothing is changed ---

  Status publish(const std::string& app, const std::string& tag, const InfoHash& info_hash,
                 uint64_t serial, const std::string& by, Moment moment);
  Status revoke(const std::string& app, const std::string& tag, const std::string& by,
                Moment moment, const std::string& why = {});
  // Of a release that is published, with a serial above that of the app's last one. Agents that
  // take the app are told; what else they do is for the other commands to say.
  Status give_order(const std::string& app, const std::string& tag, OrderUse use, uint64_t serial,
                    const std::string& text, const std::string& by, Moment moment);
  Status start(const std::string& app, const std::string& tag, const Plan& plan,
               const std::string& by, Moment moment);
  Status pause(const std::string& app, const std::string& by, Moment moment);
  // Of a rollout that is held: hosts that failed are tried again.
  Status resume(const std::string& app, const std::string& by, Moment moment);
  Status abort(const std::string& app, const std::string& by, Moment moment);
  Status undo(const std::string& app, const std::string& by, Moment moment);
  // An agent that has no record yet was approved: for the log.
  Status note_approval(const std::string& host, const std::string& identity, const std::string& by,
                       Moment moment);
  // The host is gone for good, or will come back as another.
  Status forget(const std::string& host, const std::string& by, Moment moment);

  // --- what agents report; `identity` is what the transport has proved. An error: the report is of
  //     no use, and whoever sent it is told why ---

  Status hear(const Report& report, const std::string& identity, Moment moment);
  // As of the agent's latest report, with another number and this greeting. False: it has to report
  // anew, since none is known that has the greeting.
  [[nodiscard]] bool hear_again(AgentIndex agent, const Greeting& greeting, uint64_t number,
                                Moment moment);

  // What an agent signed of an attempt; `text` is for who reads the log. Nothing is decided by it,
  // and what is known already, or of another attempt, is passed over.
  void prove(AgentIndex agent, const std::string& app, uint64_t attempt, OutcomeKind outcome,
             std::string_view text, Moment moment);

  // At the end of each turn, and once a second while a rollout is under way.
  [[nodiscard]] Decisions decide(Moment moment);

  [[nodiscard]] Wanted wanted_for(AgentIndex agent) const;
  [[nodiscard]] const State& state() const { return state_; }
  [[nodiscard]] bool is_present(AgentIndex agent, Instant now) const;
  // Memory that the latest reports of all agents take.
  [[nodiscard]] uint64_t reports_bytes() const { return reports_bytes_; }
  // Valid until the next input.
  [[nodiscard]] Heard heard_of(AgentIndex agent) const;
  // What the rollout of the app, which is running, waits for.
  [[nodiscard]] RolloutWait wait_of(const App& app, Moment moment) const;
  // Of the app's latest rollout; empty when there is none.
  [[nodiscard]] std::vector<Unsettled> unsettled(const std::string& name, Instant now) const;

 private:
  // What is known of an agent until the coordinator ends.
  struct Presence {
    Greeting greeting;
    uint64_t number = 0;        // of the latest report
    bool is_known = false;      // a report of this session was heard
    bool is_shortened = false;  // it was away, and details of that report went
    Instant heard_at{};
    Instant changed_at{};  // when it was recorded last
    std::vector<HeardApp> apps;
    uint64_t bytes = 0;  // of memory that `apps` takes
  };

  Status take(Record record, Instant now);  // that an operator or an agent asks for
  void append(const App& app, decltype(Record::what) what, Moment moment);  // that follows
  Status change(const std::string& app, RolloutState state, const std::string& by, Moment moment);
  Result<AgentIndex> register_agent(const Report& report, const std::string& identity,
                                    Moment moment);
  Status keep(Presence& presence, const Report& report, Instant now);
  void put_apps(Presence& presence, std::vector<HeardApp> apps);
  void forget_details_of_away(Instant now);
  void tell(AgentIndex agent);
  void tell_all(const App& app);

  [[nodiscard]] View view_of(const App& app, const Target& target, Instant now) const;
  [[nodiscard]] const Release* newer_than(const App& app, const Release& release,
                                          const Plan& plan) const;
  [[nodiscard]] Tally tally_of(const App& app, Instant now) const;
  void decide(App& app, Moment moment);
  void judge_all(App& app, Moment moment);
  bool stop_where_failed(App& app, const Tally& tally, Moment moment);
  void advance_waves(App& app, const Tally& tally, Moment moment);
  bool tell_switched(App& app, Moment moment);
  void tell_next(App& app, Tally tally, Moment moment);
  [[nodiscard]] bool may_begin(const App& app, const Tally& tally, Moment moment) const;

  State state_;
  std::vector<Presence> presences_;  // by agent
  Instant started_at_;
  uint64_t greeting_count_ = 0;
  uint64_t reports_bytes_ = 0;  // of all presences
  uint32_t away_next_ = 0;      // the presence that is looked at next
  std::vector<Record> records_;
  std::vector<AgentIndex> tell_;
};

}  // namespace murder::control
