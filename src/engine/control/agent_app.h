// What an agent remembers of one app, what it does with it, and the steps it asks its process for.
// Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/types.h"
#include "engine/control/messages.h"

namespace murder::control {

struct HeldRelease {
  InfoHash info_hash;
  uint64_t serial = 0;
  bool operator==(const HeldRelease&) const = default;
};

// On the host's disk. The process keeps it as it is told to (AgentWork::save), and gives it back
// when it starts again.
struct KeptApp {
  std::string app;
  std::optional<HeldRelease> active;
  std::optional<HeldRelease> previous;  // what ran before, and was healthy
  std::vector<HeldRelease> ready;       // fetched and verified
  std::vector<InfoHash> revoked;        // that were heard of, the latest first
  Phase phase = Phase::idle;
  bool is_healthy = false;
  bool is_unconfirmed = false;
  uint64_t attempt = 0;
  uint64_t failed_attempt = 0;
  Reason failure = Reason::none;
  std::string text;
  // Of the activation under way, or that waits to be confirmed.
  Duration min_healthy{};
  Duration healthy_deadline{};
  Duration confirm_within{};
};

struct KeptAgent {
  uint64_t origin = 0;  // of the coordinator's state that attempts and revision are of
  uint64_t revision = 0;
  std::vector<KeptApp> apps;
};

enum class StepKind : uint8_t {
  fetch,     // begin, or continue, to fetch; done when all of it is there
  cancel,    // stop what was begun for this app; what is under way reports nothing any more
  verify,    // of what was fetched: signature, serial, content
  activate,  // make it current and run the hooks; done when they have ended. Also to go back
  discard,   // remove from the disk
};

struct Step {
  StepKind kind = StepKind::fetch;
  uint64_t number = 0;  // of this process; cancel and discard are not answered
  std::string app;
  InfoHash release;
  bool allow_older = false;  // of fetch and verify: than what was in place
};

// What the process does next: first save (if asked), so that a restart finds what was begun; then
// the steps, in order; then a report (if asked).
struct AgentWork {
  bool save = false;
  bool report = false;
  std::vector<Step> steps;
};

}  // namespace murder::control
