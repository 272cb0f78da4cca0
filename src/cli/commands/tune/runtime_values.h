// The settings of the running kernel that tune reads and writes, each by its place and key.
#pragma once

#include <string>

#include "cli/commands/tune/plan.h"
#include "engine/base/result.h"

namespace murder::cli::tune {

// Whether this place has a value in the running kernel. With another root than "/" only what is a
// file there has one.
[[nodiscard]] bool has_runtime_value(const std::string& root, Place place);

[[nodiscard]] Result<std::string> read_value(const std::string& root, Place place,
                                             const std::string& key);

// Errors: the kernel refuses it. The kernel may round what it takes: read it again.
[[nodiscard]] Status write_value(const std::string& root, Place place, const std::string& key,
                                 const std::string& value);

// Has systemd read its drop-ins again, where it runs.
[[nodiscard]] Status reload_units(const std::string& root);

}  // namespace murder::cli::tune
