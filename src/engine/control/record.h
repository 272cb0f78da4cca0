// A change of a coordinator's state, in the order it happened. A record is on the disk before what
// it decides is told to anybody; reading all of them gives the state again (apply.h). One line of
// JSON each. Hosts are named, not numbered: the log can be read without the state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.h"
#include "engine/control/state.h"

namespace murder::control {

struct Started {  // a coordinator began to work with this state
  uint64_t origin = 0;
  uint64_t term = 0;
};

struct AgentSeen {  // new, or with other groups, apps or another rack
  std::string host, identity, rack;
  std::vector<std::string> groups, apps;
};

struct AgentForgotten {
  std::string host;
};

struct ReleasePublished {
  std::string app, tag;
  ReleaseNumber number;
  InfoHash info_hash;
  uint64_t serial = 0;
};

struct ReleaseRevoked {
  std::string app;
  ReleaseNumber number;
  std::string why;  // an operator's words; empty: none were given
};

struct OrderGiven {  // signed, and passed on to agents
  std::string app;
  OrderUse use = OrderUse::forward;
  ReleaseNumber release;
  uint64_t serial = 0;
  SignedText text;
};

struct RolloutStarted {
  std::string app;
  ReleaseNumber release;
  uint64_t number = 0;  // that of this record; a snapshot keeps it
  Plan plan;
  std::vector<ReleaseNumber> earlier;  // in snapshots only: else it follows from the state
};

struct WaveBegun {
  std::string app;
  uint32_t wave = 0;
};

struct Told {  // to activate the release, or to return to what it ran before
  std::string app, host;
  bool back = false;
  ReleaseNumber before;  // what it runs, when it is told for the first time
};

struct Outcome {
  std::string app, host;
  Stage stage = Stage::waiting;
  Reason reason = Reason::none;
  std::string text;
};

struct OutcomeProven {  // signed by the agent, and kept for who reads the log
  std::string app, host;
  uint64_t attempt = 0;
  OutcomeKind outcome = OutcomeKind::healthy;
  SignedText text;  // empty in a snapshot: the log has it
};

struct StateChanged {
  std::string app;
  RolloutState state = RolloutState::running;
  std::string why;
};

// In snapshots only (snapshot.h): what follows, and where a host stands.
struct SnapshotBegun {
  uint64_t origin = 0;
  uint64_t term = 0;
  uint64_t sequence = 0;      // of the state that it is a snapshot of
  uint64_t record_count = 0;  // that follow and belong to it
};

struct TargetKept {
  std::string app, host;
  Stage stage = Stage::waiting;
  Reason reason = Reason::none;
  uint64_t attempt = 0;
  uint32_t tells = 0;
  bool touched = false;
  ReleaseNumber before;
  std::string text;
};

struct AgentApproved {  // by an operator: the agent with this key may have the name
  std::string host, identity;
};

struct Record {
  int64_t wall_s = 0;  // seconds since 1970, for people: nothing is decided by it
  std::string by;      // an operator; empty: the coordinator
  std::variant<Started, AgentSeen, AgentForgotten, ReleasePublished, ReleaseRevoked, RolloutStarted,
               WaveBegun, Told, Outcome, StateChanged, SnapshotBegun, TargetKept, OrderGiven,
               OutcomeProven, AgentApproved>
      what;
};

// One line, without its end.
[[nodiscard]] std::string text_of(const Record& record);

// Errors: what is not JSON, an unknown kind, a member that is missing, unknown, of another type or
// out of bounds.
[[nodiscard]] Result<Record> parse_record(std::string_view line);

}  // namespace murder::control
