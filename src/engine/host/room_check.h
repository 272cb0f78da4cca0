// Whether a release fits where it goes, as far as can be known before its first byte is fetched.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace murder::host {

struct RoomNeeded {
  uint64_t unpacked_bytes = 0;
  uint64_t entries = 0;  // inodes
  // What is still to come of the archive, and where: on one file system both must fit.
  uint64_t archive_bytes = 0;
  std::string archive_directory;
};

// Of the file system of `directory`, or of the nearest one above that is there. What a file system
// does not count (inodes of btrfs) is not checked. Errors: ErrorCode::no_space.
[[nodiscard]] Status check_room(const std::string& directory, const RoomNeeded& needed);

// As far as both are there.
[[nodiscard]] bool are_on_one_file_system(const std::string& directory, const std::string& other);

}  // namespace murder::host
