// The file by which a coordinator knows its hosts' ssh keys.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/trust/known_hosts.h"

namespace murder::host {

// Errors name the file: it is missing, cannot be read, is too large, or others may write it
// (conflict). Blocks.
[[nodiscard]] Result<trust::KnownHosts> load_known_hosts(const std::string& path);

}  // namespace murder::host
