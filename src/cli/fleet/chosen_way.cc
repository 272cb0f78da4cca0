#include "cli/fleet/chosen_way.h"

#include <fmt/format.h>

namespace murder::fleet {

Status choose_way(DeployWants wants, Work& work, DeployOptions& deploy) {
  wants.has_common_input = work.launcher().hosts_at_once() > 1;
  wants.local_seeder = deploy.local_seeder;
  wants.on_seeder = deploy.on_seeder;
  wants.no_tag_directory = deploy.no_tag_directory;
  wants.keeps_without_activate = deploy.keep_releases.has_value() && !deploy.activate;
  const bool is_asked = deploy.rollout.has_value();
  const WayReason reason = reason_for_commands(wants, work.inventory());
  if (is_asked && !reason.is_none() && !reason.yields) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} does not go with a rollout by a coordinator (--coordinate, "
                            "--waves, --health, ...): {}",
                            reason.option, reason.text));
  }
  if (!is_asked && reason.is_none()) {
    deploy.rollout = RolloutOptions{.plan = Json::object(),
                                    .health = {},
                                    .before_activate = {},
                                    .after_activate = {},
                                    .has_other_way = true};
  }
  deploy.why_commands = deploy.rollout ? "" : fmt::format("{}: {}", reason.option, reason.text);
  return {};
}

}  // namespace murder::fleet
