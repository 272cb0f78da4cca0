// The fleet key that a deploy makes for itself: who has not got it from the deploy learns nothing
// of the swarm. It travels on standard input alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/fleet_key.h"

namespace murder::fleet {

// "murder-fleet-1-...", of randomness of the kernel.
[[nodiscard]] Result<std::string> make_deploy_key();
// "murder-operator-1-...", likewise: who has it gives orders to the deploy's coordinator. The hosts
// that fetch the release do not get it.
[[nodiscard]] Result<std::string> make_deploy_operator_key();

// Nothing for an empty text.
[[nodiscard]] std::optional<trust::FleetKeys> keys_of_deploy(std::string_view key);

// What seeders and peers are given: the key in a line in front of the torrent, or the torrent
// alone.
[[nodiscard]] std::string with_deploy_key(std::string_view key, std::string_view torrent);

}  // namespace murder::fleet
