// Two names of one machine.
#pragma once

#include "cli/fleet/plan/inventory.h"

namespace murder::fleet {

struct OtherName {
  HostIndex name;     // not worked on
  HostIndex machine;  // under this name it is
};

}  // namespace murder::fleet
