// A small file as it is: content, mode, owner and time of change, or that it is not there; and how
// to bring it back to that in one step. All calls block.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace murder::cli::tune {

inline constexpr size_t file_bytes_max = 256 * 1024;

struct FileState {
  bool exists = false;
  std::string content;
  mode_t mode = 0644;
  uid_t owner = 0;
  gid_t group = 0;
  int64_t modified_s = 0;
  int64_t modified_ns = 0;
  bool keeps_time = false;  // else the file gets the time at which it is written
};

// Errors: a link, a directory or another thing that is not a file (conflict), larger than
// file_bytes_max (limit).
[[nodiscard]] Result<FileState> read_state(const std::string& path);

// Readers see the old file or all of the new one, also after a power cut. The directory must be
// there, except for a file that is to be removed.
[[nodiscard]] Status place_state(const std::string& path, const FileState& state);

}  // namespace murder::cli::tune
