// What tells a directory or a regular file from all others, also from a later one that got its
// inode number or was put in its place.
#pragma once

#include <string>

#include "engine/base/json.h"

namespace murder::host {

// Of `path` below the directory (AT_FDCWD: the working directory); an empty path is the directory
// itself. A link is not followed. Null: it is neither, or is not there.
[[nodiscard]] Json identity_of(int directory_fd, const std::string& path);

// Neither is null, and both name the same one. The number of a device is not part of it, though
// older records have it: btrfs and overlayfs choose it anew with each mount.
[[nodiscard]] bool is_same_identity(const Json& one, const Json& other);

}  // namespace murder::host
