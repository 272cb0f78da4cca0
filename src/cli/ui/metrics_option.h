// --metrics-file of what runs for long.
#pragma once

#include <string>

#include "cli/ui/argument_parser.h"

namespace murder::cli {

void add_metrics_option(ArgumentParser command, std::string& path);

// Absolute; empty when none is wanted.
[[nodiscard]] std::string metrics_path_of(const std::string& word);

}  // namespace murder::cli
