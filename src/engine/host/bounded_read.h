// Reads files that others wrote, of any length: never more than a bound of them is kept.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::host {

// What is left of the open file, up to its end or to a little more than `bytes_max`, so that a
// parser sees that it is too long. `path` is for errors. Blocks.
[[nodiscard]] Result<std::string> read_bounded(int fd, const std::string& path, size_t bytes_max);

// All of a file that holds a secret: regular, of ours or root's, and nobody else may read it, as
// ssh demands it of private keys. `what` names it in errors: "the fleet key". Of a pipe in its
// place nothing is waited for.
[[nodiscard]] Result<std::string> read_private_file(const std::string& path, std::string_view what,
                                                    size_t bytes_max);

}  // namespace murder::host
