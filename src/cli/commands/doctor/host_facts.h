// Reads from the running host what `murder doctor` judges.
#pragma once

#include <string>
#include <vector>

#include "cli/commands/doctor/host_checks.h"

namespace murder::cli {

struct FactsWanted {
  std::string temp_path;
  std::string run_directory;             // as RunDirectory::open() takes it
  std::string allowed_signers;           // as host::TrustDemand has it
  std::vector<std::string> directories;  // of releases
};

[[nodiscard]] HostFacts read_host_facts(const FactsWanted& wanted);

}  // namespace murder::cli
