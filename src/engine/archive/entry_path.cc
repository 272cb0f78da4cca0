#include "engine/archive/entry_path.h"

#include <fmt/format.h>

#include "engine/archive/bounds.h"
#include "engine/base/bounds.h"

namespace murder::archive {

Result<std::string> safe_entry_path(std::string_view name) {
  if (name.empty()) {
    return fail(ErrorCode::invalid_input, "the name is empty");
  }
  if (name.size() > limits::path_bytes_max) {
    return fail(ErrorCode::limit,
                fmt::format("the name is longer than {} bytes", limits::path_bytes_max));
  }
  if (name.front() == '/') {
    return fail(ErrorCode::invalid_input,
                "the name is absolute and leads out of the target: pack the archive without a "
                "leading \"/\", as tar does without -P");
  }
  std::string path;
  uint32_t depth = 0;
  size_t at = 0;
  while (at < name.size()) {
    const size_t slash = name.find('/', at);
    const size_t end = slash == std::string_view::npos ? name.size() : slash;
    const std::string_view part = name.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") {
      continue;
    }
    if (part == ".." || part.find('\0') != std::string_view::npos) {
      return fail(ErrorCode::invalid_input, "the name leads out of the target with \"..\"");
    }
    if (part.size() > limits::path_part_bytes_max) {
      return fail(ErrorCode::limit, fmt::format("a part of the name is longer than {} bytes",
                                                limits::path_part_bytes_max));
    }
    if (++depth > limits::path_depth_max) {
      return fail(ErrorCode::limit,
                  fmt::format("the name has more than {} levels", limits::path_depth_max));
    }
    if (!path.empty()) {
      path.push_back('/');
    }
    path.append(part);
  }
  return path;
}

}  // namespace murder::archive
