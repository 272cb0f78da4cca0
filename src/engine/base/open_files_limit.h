// How many files a process may have open.
#pragma once

#include <cstdint>

#include "engine/base/result.h"

namespace murder {

// Raises the soft limit to the hard one, as far as that is allowed, and returns what holds now.
[[nodiscard]] Result<uint64_t> raise_open_files_limit();

}  // namespace murder
