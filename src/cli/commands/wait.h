// Waits for a peer of this host that runs in the background.
#pragma once

#include <optional>
#include <string>

#include "cli/ui/command.h"
#include "engine/base/result.h"

namespace murder::cli {

struct WaitOptions {
  std::string tag;
  std::optional<Duration> timeout;  // none: as long as it takes
  bool tells_progress = false;      // with --json, a line now and then; the last one is the outcome
};

// Prints what came of it. Returns the exit code.
[[nodiscard]] Result<int> wait_for_peer(const WaitOptions& options, CommandContext& context);

}  // namespace murder::cli
