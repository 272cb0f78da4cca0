// Reads the fleet's keys from their file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/fleet_key.h"

namespace murder::host {

inline constexpr std::string_view fleet_key_path_default = "/etc/murder/fleet.key";
// Services, which cannot read root's file, are told by this variable where their copy is.
inline constexpr const char* fleet_key_variable = "MURDER_FLEET_KEY";
// Of the variable, if it is set and not empty, else the default.
[[nodiscard]] std::string fleet_key_path();

// Errors: what is wrong with the file; that others than its owner may read it, or that it belongs
// to neither us nor root.
[[nodiscard]] Result<trust::FleetKeys> read_fleet_keys(const std::string& path);

// What the options --fleet-key PATH (empty: fleet_key_path(), if there is a file) and --open ask
// for. Nothing: the swarm is open. A file that is there and cannot be used is an error: what was
// meant to be closed is never open by accident.
[[nodiscard]] Result<std::optional<trust::FleetKeys>> fleet_keys_for(const std::string& path,
                                                                     bool is_open);

// The keys of an operator: of the file that was named, else of the default one if this user may
// read it. Without any, coordinators and trackers that are open can be asked.
[[nodiscard]] Result<trust::OperatorKeys> operator_keys_for(const std::string& path);

}  // namespace murder::host
