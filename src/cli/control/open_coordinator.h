// What every operators' command begins with.
#pragma once

#include "cli/control/coordinator_client.h"
#include "cli/control/coordinator_options.h"
#include "cli/ui/command.h"

namespace murder::cli {

// Nothing is asked yet. With ssh:// the process becomes ssh, and this returns only when that cannot
// be started.
[[nodiscard]] Result<CoordinatorClient> open_coordinator(const CoordinatorOptions& options,
                                                         CommandContext& context);

// An app and a tag that were named, or wrong usage.
[[nodiscard]] Status check_app(const std::string& app, CommandContext& context);
[[nodiscard]] Status check_tag(const std::string& tag, CommandContext& context);

}  // namespace murder::cli
