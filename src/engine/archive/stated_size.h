// Files that have more content than their size states, such as those of /proc: what is packed by
// their size would be empty.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace murder::archive {

// An Error for a file whose size is stated as 0 and that can be read nevertheless.
[[nodiscard]] Status check_stated_size(int fd, uint64_t size_bytes, const std::string& path);

}  // namespace murder::archive
