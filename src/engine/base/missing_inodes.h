// "No space left on device" may mean that no further file can be made, which `df` does not show.
//
// Asked where it happened: the clean-up that follows gives inodes back.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace murder {

// Whether the file system of this open file or directory has no inodes left (it may count none).
[[nodiscard]] bool lacks_inodes(int fd);
// The same of a path, or of what is there of the way to it.
[[nodiscard]] bool lacks_inodes(std::string path);

// Whether the text says it already.
[[nodiscard]] bool names_missing_inodes(const Error& error);

// fail_errno() for a call that makes a file, a directory or a link in a directory: says of ENOSPC
// when it is inodes that are missing.
[[nodiscard]] tl::unexpected<Error> fail_making(int error_number, int directory_fd,
                                                const std::string& what);
[[nodiscard]] tl::unexpected<Error> fail_making(int error_number, const std::string& directory,
                                                const std::string& what);

// The same error, unless it says it already; of a lack of space it says so when one of these
// directories (or what is there of the way to it) has no inodes left.
[[nodiscard]] Error name_missing_inodes(Error error, const std::vector<std::string>& directories);

}  // namespace murder
