// Files that say whom this host trusts: nobody but us and root may write them, or put others in
// their place, as sshd asks it of its files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "engine/base/result.h"

namespace murder::host {

// All of it, or a little more than `bytes_max` (bounded_read.h). nullopt: nothing has that name.
// Errors name the file: it cannot be read, it is a link that leads nowhere, or others may write it
// or what leads to it (conflict). Blocks.
[[nodiscard]] Result<std::optional<std::string>> read_trusted_file(const std::string& path,
                                                                   size_t bytes_max);

// Whether a link at `path`, or on the way to it, leads nowhere (yet): somebody meant to have a file
// there.
[[nodiscard]] bool has_dangling_link(const std::string& path);

// Whether nobody but us and root may put another file, directory or link in the place of one that
// this absolute path leads through; what it names need not be there. Errors: conflict.
[[nodiscard]] Status check_way_to(const std::string& path);

}  // namespace murder::host
