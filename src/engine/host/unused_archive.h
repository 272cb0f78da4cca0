// The file that a peer fetches into. It is made when the peer starts, and takes the space of the
// whole release before the first byte comes: when none came, it serves no later attempt.
#pragma once

#include <string>

namespace murder::host {

// Whether a fetch into this path begins with nothing: no file is there, or an empty one.
[[nodiscard]] bool begins_empty(const std::string& path);

// Removes the file, if it is one of this user and has no other name.
void remove_unused_archive(const std::string& path);

}  // namespace murder::host
