// The services of the packages on this host (murder-tracker.service, murder-seed@TAG.service),
// whose control sockets are in separate directories, which only their user and root may read.
#pragma once

#include <string>
#include <vector>

#include "engine/host/processes.h"

namespace murder::host {

struct ServiceProcess {
  std::string unit;  // as systemctl(1) takes it
  RunningProcess process;
};

// Those below `run` ("/run"), by unit, as far as this user may see them. At most
// limits::services_listed_max.
[[nodiscard]] std::vector<ServiceProcess> list_services(const std::string& run);

// The same for a command: none when a run directory was named.
[[nodiscard]] std::vector<ServiceProcess> list_services_beside(
    const std::string& run_directory_option);

// Whether there are services of the packages that this user may not see; not when a run directory
// was named.
[[nodiscard]] bool has_hidden_services_beside(const std::string& run_directory_option);

}  // namespace murder::host
