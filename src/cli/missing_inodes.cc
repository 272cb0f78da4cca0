#include "cli/missing_inodes.h"

#include <fmt/format.h>

#include "engine/base/missing_inodes.h"

namespace murder::cli {

Error name_missing_inodes(Error error, const std::vector<std::string>& directories) {
  if (error.code != ErrorCode::no_space || names_missing_inodes(error)) {
    return error;
  }
  for (const std::string& directory : directories) {
    if (!directory.empty() && lacks_inodes(directory)) {
      error.text += fmt::format(" (no inodes are left in {}: `df -i` shows it)", directory);
      return error;
    }
  }
  return error;
}

}  // namespace murder::cli
