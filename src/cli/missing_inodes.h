// "No space left on device" may mean that no further file can be made, which `df` does not show.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace murder::cli {

// The same error, unless it says it already; of a lack of space it says so when one of these
// directories (or what is there of the way to it) has no inodes left.
[[nodiscard]] Error name_missing_inodes(Error error, const std::vector<std::string>& directories);

}  // namespace murder::cli
