// What of this machine may stand at a point of a command line: tags, hosts, torrents. Looks, and
// changes nothing; what cannot be read is not offered.
#pragma once

#include <vector>

#include "cli/commands/completion/completion_point.h"

namespace murder::cli {

inline constexpr size_t candidates_max = 500;

// Whole words, besides those the point has already. Files and directories are the shell's to offer.
[[nodiscard]] std::vector<Candidate> candidates_here(const CompletionPoint& typed);

}  // namespace murder::cli
