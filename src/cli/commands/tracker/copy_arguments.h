// What a coordinator starts its own copies of releases with.
#pragma once

#include <string>
#include <vector>

#include "cli/commands/tracker/tracker_settings.h"

namespace murder::cli {

// Of `murder peer`, for those of a coordinator at `own_address`.
[[nodiscard]] std::vector<std::string> copy_arguments(const TrackerSettings& settings,
                                                      const std::string& own_address);

}  // namespace murder::cli
