// A tracker in the background of this host, for commands that need one.
#pragma once

#include <string>

#include "cli/command.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder::cli {

// `murder tracker --background`: returns when it listens, having printed what that prints. It ends
// when it was idle for `idle_max` (zero: it does not).
[[nodiscard]] Result<int> start_tracker(const std::string& listen, Duration idle_max,
                                        CommandContext& context);

}  // namespace murder::cli
