// How a release is to be rolled out, as the options of `murder rollout start` say it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/control/at_time.h"
#include "cli/ui/argument_parser.h"
#include "engine/base/json.h"

namespace murder::cli {

// Only what was said is set: the defaults are the coordinator's.
struct PlanOptions {
  std::vector<std::string> groups;
  std::string waves;
  std::string max_fail;
  std::string max_unavailable;
  std::string rack_max_unavailable;
  std::string quorum;
  std::string on_failure;
  std::optional<Duration> bake;
  std::optional<Duration> min_healthy;
  std::optional<Duration> healthy_deadline;
  std::optional<Duration> progress_deadline;
  std::optional<Duration> confirm_within;
  std::string at;
  bool allow_older = false;
};

void add_plan_options(ArgumentParser command, PlanOptions& options);

// The members of a plan that a coordinator is sent. Errors name the option.
[[nodiscard]] Result<Json> plan_json(const PlanOptions& options, int64_t now_s,
                                     const ZoneClock& zone);

}  // namespace murder::cli
