// Who does a deploy: a coordinator and an agent on each host, which go on without this machine, or
// this machine with commands over ssh. Pure.
#pragma once

#include <string_view>

#include "cli/fleet/plan/inventory.h"

namespace murder::fleet {

// What decides it.
struct DeployWants {
  bool refuses_coordinator = false;  // --no-coordinate
  bool has_common_input = false;     // the launcher gives many hosts the same standard input
  bool local_seeder = false;
  bool on_seeder = false;
  bool no_tag_directory = false;
  bool keeps_without_activate = false;
};

struct WayReason {
  std::string_view option;  // that a coordinator does not go with; empty: nothing is in its way
  std::string_view text;    // why
  // Where a coordinator was asked for, it does the deploy all the same.
  bool yields = false;

  [[nodiscard]] bool is_none() const { return option.empty(); }
};

// Why commands over ssh do it.
[[nodiscard]] WayReason reason_for_commands(const DeployWants& wants, const Inventory& inventory);

}  // namespace murder::fleet
