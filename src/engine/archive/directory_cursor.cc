#include "engine/archive/directory_cursor.h"

#include <fcntl.h>

#include <cerrno>

namespace murder::archive {

namespace {

bool is_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

}  // namespace

int DirectoryCursor::enter(std::string_view path, int* ret_fd) {
  if (path.empty()) {
    *ret_fd = root_fd_;
    return 0;
  }
  if (kept_.is_open() && path == kept_path_) {
    *ret_fd = kept_.get();
    return 0;
  }
  size_t at = 0;
  if (kept_.is_open() && is_below(path, kept_path_)) {
    at = kept_path_.size() + 1;
  } else {
    forget();
  }
  while (at < path.size()) {
    size_t end = path.find('/', at);
    end = end == std::string_view::npos ? path.size() : end;
    const std::string name(path.substr(at, end - at));
    const int from_fd = kept_.is_open() ? kept_.get() : root_fd_;
    Fd next(::openat(from_fd, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.is_open()) {
      const int error_number = errno;
      forget();
      return error_number;
    }
    kept_ = std::move(next);
    at = end + 1;
  }
  kept_path_ = path;
  *ret_fd = kept_.get();
  return 0;
}

int DirectoryCursor::enter_parent(const std::string& path, Place* ret_place) {
  const size_t slash = path.rfind('/');
  const size_t parent_bytes = slash == std::string::npos ? 0 : slash;
  Place place;
  if (const int error_number =
          enter(std::string_view(path).substr(0, parent_bytes), &place.directory_fd);
      error_number != 0) {
    return error_number;
  }
  place.name = path.c_str() + (slash == std::string::npos ? 0 : slash + 1);
  *ret_place = place;
  return 0;
}

void DirectoryCursor::forget() {
  kept_.reset();
  kept_path_.clear();
}

}  // namespace murder::archive
