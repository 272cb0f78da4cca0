// A tracker in the background of this host, for commands that need one.
#pragma once

#include <string>

#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder::cli {

struct TrackerStart {
  std::string listen;         // "[::]:8998"
  Duration idle_max{};        // it ends when it was idle for so long
  std::string run_directory;  // --run-dir; empty: the default
  bool deploys_only = false;  // who has no key is refused
};

// Runs `murder tracker --background`, a process that everybody sees as what it is, until it
// listens. Error: what it said.
[[nodiscard]] Status start_tracker(const TrackerStart& start);

}  // namespace murder::cli
