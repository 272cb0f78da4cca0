// An outcome that an agent signed, as it came by the agent's own link: is it about that host
// and by the agent's key. The signature itself is for who reads the log to verify: it costs as much
// as a hundred reports. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/control/state.h"

namespace murder::coordinator {

struct SignedOutcome {
  std::string app;
  uint64_t attempt = 0;
  control::OutcomeKind kind = control::OutcomeKind::healthy;
};
// nullopt: it is of no use.
[[nodiscard]] std::optional<SignedOutcome> read_signed_outcome(std::string_view text,
                                                               std::string_view host,
                                                               std::string_view identity);

}  // namespace murder::coordinator
