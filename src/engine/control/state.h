// What a coordinator knows for good: agents, releases, rollouts. It is the sum of its records
// (apply.h): the same records give the same state, on any machine. Plain values; whoever changes
// them does it through a record, but for what is marked as volatile.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/types.h"
#include "engine/control/plan.h"

namespace murder::control {

using AgentIndex = StrongIndex<struct AgentIndexKind>;
using ReleaseNumber = StrongIndex<struct ReleaseNumberKind>;  // of an app, from 1 on; 0 is none

inline constexpr ReleaseNumber no_release{};

struct Agent {
  std::string name;
  std::string identity;  // who may speak under this name: what the transport proved of the first
  std::string rack;      // empty: in none
  std::vector<std::string> groups;
  std::vector<std::string> apps;  // that it takes
  bool forgotten = false;         // its name may be taken by another identity
  uint32_t rack_number = 0;       // in State::racks
};

struct Release {
  ReleaseNumber number;
  std::string tag;
  InfoHash info_hash;
  uint64_t serial = 0;  // a host refuses one that is lower than what it runs
  bool revoked = false;
  std::string by;
  int64_t published_wall_s = 0;  // for people, as the following
  std::string revoked_by;
  std::string revoked_why;
  int64_t revoked_wall_s = 0;
};

// What an operator signed for hosts (trust/order.h), to be passed on as it is.
enum class OrderUse : uint8_t {
  forward,  // to the release, or nothing more of it
  back,     // from the release to what ran before it
  revoke,
};

struct SignedText {
  std::string text;
  bool operator==(const SignedText&) const = default;
};

struct Order {
  OrderUse use = OrderUse::forward;
  ReleaseNumber release;
  uint64_t serial = 0;  // grows from order to order of an app
  SignedText text;
  uint64_t number = 0;  // of its record
};

// Where a host stands in a rollout.
enum class Stage : uint8_t {
  waiting,      // not told to activate
  told,         // told to activate
  healthy,      // runs the release, or ran it already
  failed,       // see its reason
  back_told,    // told to return to what it ran before
  back_done,    // runs that again
  back_failed,  // see its reason
};

enum class Reason : uint8_t {
  none,
  fetch,           // the release could not be fetched, or is not what was signed
  late,            // no progress within progress_deadline
  activation,      // the switch or a hook failed
  health,          // no health within healthy_deadline, or health was lost
  lost,            // told, and not heard of since
  silent,          // told, heard of, and no outcome within the time for it
  drifted,         // runs something else than it reported before
  unconfirmed,     // went back by itself, since nobody confirmed
  revoked,         // refused what was revoked
  older,           // refused a lower serial than what it runs
  nothing_before,  // there is nothing known to return to
  unordered,       // refused what no operator's signed order lets it do
};

// What an agent signed (trust/outcome.h); of one attempt the later comes after the earlier.
enum class OutcomeKind : uint8_t { healthy, failed, returned };

struct Target {
  AgentIndex agent;
  Stage stage = Stage::waiting;
  Reason reason = Reason::none;
  // Of what the host is asked to do now: the number of the record that asked. Grows.
  uint64_t attempt = 0;
  uint32_t tells = 0;    // to activate, since it was last given new ones
  bool touched = false;  // was told to activate in this rollout
  ReleaseNumber before;  // what it ran when it was first told
  std::string text;      // of a failure, in the host's words
  // The latest outcome that the agent signed, as it comes in records: the attempt, and what came.
  uint64_t proven_attempt = 0;
  OutcomeKind proven = OutcomeKind::healthy;
  // Volatile: why it failed on the way forward, also when it has gone back since.
  Reason failed_reason = Reason::none;
  std::string failed_text;
  Instant since{};  // volatile: when the stage began, or the coordinator started
};

// A host that was told, and that an operator had forgotten since: for when it comes back.
struct ForgottenTarget {
  AgentIndex agent;
  ReleaseNumber before;
};

enum class RolloutState : uint8_t {
  running,   // waves go on; also before its time to begin
  paused,    // by an operator: nobody is told to activate
  held,      // stopped by failures or a revocation: an operator decides
  done,      // all waves are through; hosts that come back converge
  aborting,  // hosts that were told finish, nobody else is told
  aborted,
  undoing,  // touched hosts return to what they ran before
  undone,   // hosts that come back return as well
};

struct Rollout {
  uint64_t number = 0;  // of the record that started it
  ReleaseNumber release;
  Plan plan;
  std::string by;
  int64_t started_wall_s = 0;
  RolloutState state = RolloutState::running;
  std::string why;              // of the state, and who
  uint32_t wave = 0;            // the one under way
  std::vector<Target> targets;  // ascending by agent
  std::vector<ForgottenTarget> forgotten;
  // What the rollouts before have left on hosts, which this one returns to: the latest first.
  std::vector<ReleaseNumber> earlier;
  Instant settled_since = instant_never;  // volatile: since when the wave waits for `bake` alone
};

struct App {
  std::string name;
  std::vector<Release> releases;    // ascending by number
  uint32_t releases_published = 0;  // the last number given
  // Ascending by serial: the latest forward, those to go back from the release of that one, and
  // the latest revocations.
  std::vector<Order> orders;
  std::optional<Rollout> rollout;  // the latest one; it governs what hosts should run
};

// Looks names up that are no std::string without making one.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

struct State {
  uint64_t origin = 0;    // a random number, of this state and no other
  uint64_t sequence = 0;  // records that made it: grows with each
  uint64_t term = 0;      // how often a coordinator has started with it
  std::vector<Agent> agents;
  std::unordered_map<std::string, AgentIndex, TextHash, std::equal_to<>> agent_by_name;
  // How many names each identity has, without those that were forgotten.
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> names_of_identity;
  std::map<std::string, App, std::less<>> apps;
  std::vector<std::string> racks;  // names, in the order they were first heard
  uint64_t loading_left = 0;       // records that are still to come of a snapshot

  [[nodiscard]] std::optional<AgentIndex> find_agent(std::string_view name) const;
  [[nodiscard]] const Agent& agent(AgentIndex index) const;
  [[nodiscard]] const App* find_app(std::string_view name) const;
};

[[nodiscard]] const Release* find_release(const App& app, ReleaseNumber number);
[[nodiscard]] const Release* find_release(const App& app, std::string_view tag);
[[nodiscard]] const Release* find_release(const App& app, const InfoHash& info_hash);
[[nodiscard]] const Target* find_target(const Rollout& rollout, AgentIndex agent);

[[nodiscard]] bool goes_forward(RolloutState state);  // to the release: running to aborted
[[nodiscard]] bool goes_back(RolloutState state);
[[nodiscard]] bool is_over(RolloutState state);  // another rollout of the app may start
[[nodiscard]] bool may_follow(RolloutState from, RolloutState to);
[[nodiscard]] bool may_follow(Stage from, Stage to);
[[nodiscard]] bool is_in_flight(Stage stage);  // told, and no outcome yet
// What hosts may run when the next rollout of the app starts, of limits::control_earlier_max at
// most: what the latest one was about, unless it was undone, and what it left as it was.
[[nodiscard]] std::vector<ReleaseNumber> releases_left_by_rollout(const App& app);
// Whether the rollout is about this release or may return hosts to it.
[[nodiscard]] bool needs(const Rollout& rollout, ReleaseNumber release);
[[nodiscard]] bool takes(const Agent& agent, std::string_view app, const Plan& plan);

// Whether a signed outcome says more of the target than what is known: of what it was asked last,
// and not said yet.
[[nodiscard]] bool is_news(const Target& target, uint64_t attempt, OutcomeKind outcome);

[[nodiscard]] std::string_view name_of(Stage stage);
[[nodiscard]] std::string_view name_of(Reason reason);
[[nodiscard]] std::string_view name_of(RolloutState state);
[[nodiscard]] std::string_view text_of(Reason reason);  // for people
// "not healthy: exit status 1": with the host's own words, where it had some.
[[nodiscard]] std::string text_of(Reason reason, std::string_view text);

// Whether what is known of a target fits together.
[[nodiscard]] bool is_sound(const App& app, const Target& target);

// What must hold of a state between two records; aborts where it does not.
void ensure_consistent(const State& state);

}  // namespace murder::control
