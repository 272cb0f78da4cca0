// Fleets for tests: hosts that are shells of this machine.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "../../content.h"
#include "../../temporary_directory.h"
#include "cli/fleet/plan/inventory.h"
#include "cli/fleet/reach/launchers.h"
#include "cli/fleet/reach/runner.h"

namespace murder::fleet {

inline Inventory inventory_of(const std::string& node_set) {
  auto inventory = resolve_inventory({.peers = {{.node_set = node_set, .where = "test"}}});
  REQUIRE(inventory);
  return std::move(*inventory);
}

// The same command for every peer.
inline std::vector<Job> jobs_for(const Inventory& inventory, const std::string& command) {
  std::vector<Job> jobs;
  for (const HostIndex host : inventory.peers) {
    jobs.push_back({.host = host, .command = command});
  }
  return jobs;
}

// Runs commands here; they find the host's name in $HOST_NAME.
inline ExecLauncher local_launcher(const Inventory& inventory) {
  return ExecLauncher("HOST_NAME={host} exec sh -c {command}", inventory);
}

inline void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

// A program of sh.
inline void write_script(const std::string& path, const std::string& text) {
  write_file(path, "#!/bin/sh\n" + text);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

}  // namespace murder::fleet
