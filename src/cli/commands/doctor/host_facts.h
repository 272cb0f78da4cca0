// Reads from the running host what `murder doctor` judges.
#pragma once

#include <string>

#include "cli/commands/doctor/host_checks.h"

namespace murder::cli {

[[nodiscard]] HostFacts read_host_facts(const std::string& temp_path,
                                        const std::string& run_directory_option);

}  // namespace murder::cli
