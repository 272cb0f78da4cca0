// Other commands of this program, run on this host and waited for.
#pragma once

#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace murder::cli {

// The last object that `murder WORDS` printed. Error: what it reported, or that it took longer than
// `most` and was ended.
[[nodiscard]] Result<Json> run_own_command(const std::vector<std::string>& words, Duration most);

}  // namespace murder::cli
