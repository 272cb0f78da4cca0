// A tracker in the background of this host, for commands that need one.
#pragma once

#include <string>

#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace murder::cli {

struct TrackerStart {
  std::string listen;         // "[::]:8998"
  Duration idle_max{};        // it ends when it was idle for so long
  std::string run_directory;  // --run-dir; empty: the default
  bool deploys_only = false;  // who has no key is refused
  std::string state;          // --state: it is a coordinator as well; empty: it is not
  Duration once_for{};        // --once-for, of a deploy's coordinator
  std::string key_lines;      // of a deploy, as in a key file; empty: those of its host, or none
};

// Runs `murder tracker --background`, a process that everybody sees as what it is, until it
// listens. What it said: "pid", "listen". Error: likewise.
[[nodiscard]] Result<Json> start_tracker(const TrackerStart& start);

}  // namespace murder::cli
