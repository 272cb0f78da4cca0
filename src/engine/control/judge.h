// What a host's report means for where it stands in a rollout, and whether it may be told to
// activate. Decisions about one host, on plain values. Pure.
#pragma once

#include <optional>
#include <string>

#include "engine/base/instant.h"
#include "engine/control/messages.h"
#include "engine/control/state.h"

namespace murder::control {

// A target, and what is known of it at the moment.
struct View {
  const App& app;
  const Target& target;
  const Release& release;             // that is rolled out
  const Release* before = nullptr;    // what the target ran before, where that is known
  bool is_present = false;            // heard within a lease; in its first lease a coordinator
                                      // takes everybody to be there
  const AppReport* report = nullptr;  // null: not present, or not heard since the coordinator
                                      // started
  Instant progress_at{};              // of the report
};

struct Verdict {
  Stage stage = Stage::waiting;
  Reason reason = Reason::none;
  std::string text;
};

// The stage that the target moves to without being told anything; none: it stays.
[[nodiscard]] std::optional<Verdict> judge(const View& view, Instant now);

// Whether it is the target's turn as far as it alone is concerned: it has the release, and does
// nothing else.
[[nodiscard]] bool may_be_told(const View& view);

// Whether its own deploy has switched the host, under a coordinator that is lost: it is told once
// more, which runs nothing, and goes back with the others then.
[[nodiscard]] bool was_switched_before(const View& view);

// Whether the app is down at this host by the doing of a rollout, or may be: it was told and its
// outcome is not known, or the outcome is not good.
[[nodiscard]] bool counts_as_down(const View& view);

}  // namespace murder::control
