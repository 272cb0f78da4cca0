// How many processes may run at a time.
#pragma once

#include <cstdint>

namespace murder::fleet {

// Those that the limit of open files allows of the ones wanted; raises the soft limit as far as it
// needs.
[[nodiscard]] uint32_t forks_allowed(uint32_t wanted);

}  // namespace murder::fleet
