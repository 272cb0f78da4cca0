// What the ioctls of ethtool(8) say of a network interface and change of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/commands/tune/facts.h"
#include "engine/base/result.h"

namespace murder::cli::tune {

// Nothing: the driver has no such thing.
[[nodiscard]] std::optional<RingFacts> read_ring(const std::string& interface);
[[nodiscard]] std::optional<ChannelFacts> read_channels(const std::string& interface);

// All else of the ring and of the queues stays. Many drivers take the link down for a moment.
[[nodiscard]] Status set_receive_ring(const std::string& interface, uint32_t entries);
[[nodiscard]] Status set_combined_channels(const std::string& interface, uint32_t count);

}  // namespace murder::cli::tune
