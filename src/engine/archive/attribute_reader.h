// Reads the extended attributes of files, links and directories.
#pragma once

#include <vector>

#include "engine/archive/extended_attribute.h"
#include "engine/base/result.h"

namespace murder::archive {

// Those that an archive carries, by name, with values only when asked for: reading these costs a
// call each. `name` lies in the open directory and is not followed; "." is the directory itself.
// None where the file system has none.
[[nodiscard]] Result<std::vector<ExtendedAttribute>> read_attributes(int directory_fd,
                                                                     const char* name,
                                                                     bool with_values);

// How many an open file has of those.
[[nodiscard]] size_t count_attributes(int fd);

}  // namespace murder::archive
