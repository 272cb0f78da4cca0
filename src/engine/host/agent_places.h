// Where agents of this host keep what they started: the peers and seeders of an agent have their
// control sockets in its own state directory, RUN/agent or RUN/agent-NAME, one directory for each
// app.
#pragma once

#include <vector>

#include "engine/host/run_directory.h"

namespace murder::host {

// Those of the agents that deploys and this user started below `directory`, by path; at most
// limits::agent_places_listed_max.
[[nodiscard]] std::vector<RunDirectory> run_directories_of_agents(const RunDirectory& directory);

// `directory` and those.
[[nodiscard]] std::vector<RunDirectory> with_agents(RunDirectory directory);

}  // namespace murder::host
