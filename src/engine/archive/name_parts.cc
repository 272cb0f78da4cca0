#include "engine/archive/name_parts.h"

#include <algorithm>

namespace murder::archive {

bool put_parts_in_front(std::string_view path, std::deque<std::string>& parts) {
  if (path.starts_with('/')) {
    return false;
  }
  std::deque<std::string> found;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (part == "..") {
      return false;
    }
    if (!part.empty() && part != ".") {
      found.emplace_back(part);
    }
  }
  parts.insert(parts.begin(), found.begin(), found.end());
  return true;
}

}  // namespace murder::archive
