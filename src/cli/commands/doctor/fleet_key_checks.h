// What `murder doctor` says about the fleet's key on this host. Pure: facts in, a finding out.
#pragma once

#include <optional>
#include <string>

#include "cli/commands/doctor/finding.h"
#include "engine/base/result.h"
#include "engine/trust/fleet_key.h"

namespace murder::cli {

struct FleetKeyFacts {
  std::string path;
  Result<std::optional<trust::FleetKeys>> keys = std::nullopt;  // nothing: there is no file
};

// Of a key nothing is shown but the digits at its end, which tell keys of two hosts apart.
[[nodiscard]] Finding check_fleet_key(const FleetKeyFacts& facts);

}  // namespace murder::cli
