// What coordinators and agents send each other. Both messages are whole: each has everything, so
// that one that is lost, doubled, late or out of order does no harm. Plain values; how they travel
// is another layer's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/types.h"
#include "engine/control/state.h"

namespace murder::control {

// Which of an agent's reports a coordinator has heard, and which of its messages an agent has.
struct Greeting {
  uint64_t session = 0;  // a random number of the agent's process
  uint64_t number = 0;   // of the coordinator, for this session; 0: the agent has not heard of it
  bool operator==(const Greeting&) const = default;
};

// What an agent does with an app.
enum class Phase : uint8_t {
  idle,
  fetching,
  verifying,
  activating,
  checking,        // activated; its health is watched
  returning,       // going back to what ran before, by itself
  checking_return  // went back; its health is watched
};

// From the switch on until its outcome: the app may be down.
[[nodiscard]] constexpr bool is_activating(Phase phase) {
  return phase >= Phase::activating;
}

struct AppReport {
  std::string app;
  Phase phase = Phase::idle;
  std::optional<InfoHash> active;
  bool is_healthy = false;      // what is active
  bool is_unconfirmed = false;  // it will go back unless it is confirmed
  std::vector<InfoHash> ready;  // fetched and verified, the active one as well
  uint64_t progress = 0;        // grows while it fetches
  uint64_t attempt = 0;         // the last one that it began to activate
  uint64_t failed_attempt = 0;  // the last one that failed
  Reason failure = Reason::none;
  std::string text;  // of the failure
  // What ran before, of an agent that was started for one deploy and has switched in it: also when
  // the deploy's coordinator is another one by now.
  std::optional<InfoHash> switched_from;
  bool operator==(const AppReport&) const = default;
};

struct Report {
  std::string host;
  std::string rack;
  std::vector<std::string> groups;
  std::vector<AppReport> apps;  // all that it takes
  Greeting greeting;
  uint64_t number = 0;  // grows within a session
  bool operator==(const Report&) const = default;
};

struct WantedApp {
  std::string app;
  std::optional<InfoHash> release;  // none: nothing is to be done about this app
  uint64_t serial = 0;
  uint64_t attempt = 0;
  bool activate = false;     // now; else it is only to be there
  bool confirmed = false;    // what is active stays
  bool allow_older = false;  // than what is active
  Duration min_healthy{};
  Duration healthy_deadline{};
  Duration confirm_within{};      // 0: needs no confirmation
  std::vector<InfoHash> revoked;  // of this app, the latest
  // Not sent: why no order of an operator lets this host do it; empty: it may.
  std::string refusal;
  bool operator==(const WantedApp&) const = default;
};

struct Wanted {
  uint64_t origin = 0;    // of the coordinator's state
  uint64_t revision = 0;  // of the coordinator's state: grows
  Greeting greeting;
  uint64_t heard_number = 0;  // the agent's latest report that was heard in this session
  std::vector<WantedApp> apps;
};

}  // namespace murder::control
