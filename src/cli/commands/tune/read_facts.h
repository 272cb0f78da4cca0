// Reads from a host what tune::make_plan judges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/commands/tune/facts.h"
#include "engine/base/result.h"

namespace murder::cli::tune {

// `root` is "/" or the tree of another system: then what only the running kernel can say (rings,
// queues) is left out, and of a tree without a /proc/sys the kernel's defaults are taken.
// `interface` is empty: that of the default route, else the first one with a device. Units are
// shown with or without what tune itself wrote for them.
enum class OwnDropIns : uint8_t { left_out, counted };
[[nodiscard]] Result<Facts> read_facts(const std::string& root, const std::string& interface,
                                       OwnDropIns own = OwnDropIns::left_out);

// "ROOT/PATH", without two slashes between them. `path` begins with one.
[[nodiscard]] std::string below(const std::string& root, const std::string& path);

// The first line of a file of /proc or /sys, or nothing.
[[nodiscard]] std::optional<std::string> read_line(const std::string& path);

// Where the kernel keeps a sysctl: "net.ipv4.tcp_rmem" -> "/proc/sys/net/ipv4/tcp_rmem".
[[nodiscard]] std::string sysctl_path(const std::string& name);

// The number of the interrupt that carries this action, or nothing.
[[nodiscard]] std::optional<std::string> interrupt_number(const std::string& root,
                                                          const std::string& action);

}  // namespace murder::cli::tune
