// How a deploy is rolled out by a coordinator: waves, health checks and hooks, as its options say.
#pragma once

#include <optional>
#include <string>

#include "cli/fleet/deploy_options.h"
#include "cli/ui/argument_parser.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder::fleet {

struct RolloutWords {
  bool is_asked = false;     // --coordinate
  bool is_attached = false;  // --attached
  bool is_refused = false;   // --no-coordinate
  std::string waves;
  std::string max_fail;
  std::string on_failure;
  std::optional<Duration> bake;
  std::optional<Duration> min_healthy;
  std::optional<Duration> healthy_deadline;
  std::string health;
  std::string before_activate;
  std::string after_activate;
};

void add_rollout_options(cli::ArgumentParser command, RolloutWords& words);

// Nothing: no option asks for it. Errors name the option.
[[nodiscard]] Result<std::optional<RolloutOptions>> rollout_of(const RolloutWords& words);

// What does not go together. An Error names the option.
[[nodiscard]] Status check_rollout(const DeployOptions& options);

}  // namespace murder::fleet
