// This process as its machine knows it, and the words of its command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/fleet/plan/deploy_decisions.h"

namespace murder::fleet {

[[nodiscard]] Origin own_origin();
// Of a process of this machine, in ticks since its boot; 0: there is none.
[[nodiscard]] uint64_t start_of_process(uint64_t pid);
[[nodiscard]] std::vector<std::string> own_command_words();

}  // namespace murder::fleet
