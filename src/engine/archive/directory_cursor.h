// Reaches files below one directory without ever following a symbolic link or leaving it.
//
// A path is walked one name at a time with O_NOFOLLOW from an open directory, so what an archive
// (or someone else on the host) puts in the way is an error, never a way out. It also reaches paths
// longer than PATH_MAX. Not for several threads. Keeps one directory below the root open, since
// callers go through a tree directory by directory.
#pragma once

#include <string>
#include <string_view>

#include "engine/archive/file.h"
#include "engine/base/result.h"

namespace murder::archive {

class DirectoryCursor {
 public:
  // Paths are relative to this directory, which stays open and owned by the caller.
  explicit DirectoryCursor(int root_fd) : root_fd_(root_fd) {}

  // For the *at functions; valid until the next call. "" is the root itself. Each part of `path`
  // must be a plain name ("a/b": no "..", no empty part). Fails with an errno value, 0 on success.
  [[nodiscard]] int enter(std::string_view path, int* ret_fd);

  // The directory a path lies in, and the last part of the path (a view into `path`, ended by its
  // NUL).
  struct Place {
    int directory_fd = -1;
    const char* name = nullptr;
  };
  [[nodiscard]] int enter_parent(const std::string& path, Place* ret_place);

  // Forgets the kept directory: after a directory was removed or replaced.
  void forget();

 private:
  int root_fd_;
  std::string kept_path_;
  Fd kept_;
};

}  // namespace murder::archive
