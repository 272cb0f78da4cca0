// Every bound of the fleet commands, with the relations between them.
#pragma once

#include <chrono>
#include <cstdint>

#include "engine/base/instant.h"

namespace murder::fleet::limits {

// --- Inventory ----------------------------------------------------------------------------------

inline constexpr uint32_t hosts_max = 100'000;
inline constexpr uint32_t node_set_bytes_max = 4 * 1024 * 1024;  // of the text of one node set
// Names that the parts of one node set expand to, one after the other: about a second's work.
inline constexpr uint64_t node_set_names_max = uint64_t{10} * hosts_max;
inline constexpr uint32_t node_brackets_max = 8;  // in one name
inline constexpr uint32_t node_digits_max = 9;    // of one number in a bracket
inline constexpr uint32_t host_name_bytes_max = 255;
inline constexpr uint32_t config_bytes_max = 16 * 1024 * 1024;  // murder.toml, a file of --hosts

// --- Reaching hosts -----------------------------------------------------------------------------

inline constexpr uint32_t forks_default = 64;
inline constexpr uint32_t forks_max = 4096;
inline constexpr uint32_t retries_default = 2;
inline constexpr uint32_t retries_max = 20;
inline constexpr Duration connect_timeout_default = std::chrono::seconds(10);
inline constexpr Duration command_timeout_default = std::chrono::minutes(10);
// Before a host that could not be reached is tried again: doubles from the first to the most.
inline constexpr Duration retry_wait_first = std::chrono::seconds(1);
inline constexpr Duration retry_wait_most = std::chrono::seconds(15);
// Between SIGTERM and SIGKILL for a process that took too long or was stopped.
inline constexpr Duration kill_grace = std::chrono::seconds(2);
// The most that is kept of what a host wrote, by default: its end.
inline constexpr uint32_t output_bytes_default = 16 * 1024;
inline constexpr uint32_t log_bytes_default = 4 * 1024;
// A shared connection is a process of some megabytes here: not more hosts than this have one.
inline constexpr uint32_t shared_connections_max = 1000;
// One command line (MAX_ARG_STRLEN of Linux is 128 KiB).
inline constexpr uint32_t command_bytes_max = 96 * 1024;

}  // namespace murder::fleet::limits
