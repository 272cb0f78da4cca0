// Who does a deploy: what plan/deploy_way.h decides, of the options of one.
#pragma once

#include "cli/fleet/deploy_options.h"
#include "cli/fleet/plan/deploy_way.h"
#include "cli/fleet/work.h"

namespace murder::fleet {

// A coordinator wherever that can be. `wants`: what `deploy` does not say. An Error names the
// option that a rollout which was asked for does not go with.
[[nodiscard]] Status choose_way(DeployWants wants, Work& work, DeployOptions& deploy);

}  // namespace murder::fleet
