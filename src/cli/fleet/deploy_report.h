// What a deploy tells at its end, people and machines.
#pragma once

#include "cli/fleet/deploy_options.h"
#include "cli/fleet/work.h"

namespace murder::fleet {

struct DeployEnd {
  size_t host_count = 0;  // that were to get it
  Duration elapsed{};
  bool is_remembered = false;  // for --retry-failed
  // With --retry-failed, of all hosts of the deploys of this tag; else 0.
  size_t all_hosts = 0;
  size_t all_done = 0;
};

// Prints it. Returns the exit code.
[[nodiscard]] int finish_deploy(Work& work, const DeployOptions& options,
                                const DeployOutcome& outcome, const DeployEnd& end);

}  // namespace murder::fleet
