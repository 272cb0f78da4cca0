// Of which releases the coordinator keeps a copy of its own, so that whoever published one may go.
// Pure.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/base/types.h"
#include "engine/control/state.h"

namespace murder::coordinator {

// What the latest rollouts are about, then what they return to and what was `asked_for`, then the
// latest releases, at most `most`. Nothing that is revoked.
[[nodiscard]] std::vector<InfoHash> wanted_copies(const control::State& state, size_t most,
                                                  std::span<const InfoHash> asked_for = {});

}  // namespace murder::coordinator
