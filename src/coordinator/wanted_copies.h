// Of which releases the coordinator keeps a copy of its own, so that whoever published one may go.
// Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/base/types.h"
#include "engine/control/state.h"

namespace murder::coordinator {

// What the rollouts under way are about and return to, then the latest releases, at most `most`.
// Nothing that is revoked.
[[nodiscard]] std::vector<InfoHash> wanted_copies(const control::State& state, size_t most);

}  // namespace murder::coordinator
