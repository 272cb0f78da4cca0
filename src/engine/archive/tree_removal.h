// Removes a tree as `rm -rf` does, with a fixed number of open files however deep it is.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace murder::archive {

// A file, a link (not what it points to) or a directory with all it contains. Directories of ours
// that are not writable are made so first. What is not there is not an Error.
[[nodiscard]] Status remove_tree(const std::string& path);

// The same for all entries of a directory but one (empty: all), which stays itself.
[[nodiscard]] Status remove_entries(const std::string& path, const std::string& except);

}  // namespace murder::archive
