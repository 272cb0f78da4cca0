#include "cli/ui/path_word.h"

namespace murder::cli {

namespace fs = std::filesystem;

fs::path whole_path(const std::string& text) {
  return fs::absolute(text).lexically_normal();
}

std::string clean_path(const std::string& text) {
  const fs::path path = whole_path(text);
  return (path.has_filename() ? path : path.parent_path()).string();
}

}  // namespace murder::cli
