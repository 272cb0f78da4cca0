// A file of a directory that whoever changes something there holds locked.
//
// A lock on the directory itself could be taken, and kept, by everybody who may list it. This file
// others cannot open, and whoever holds it removes it at the end.
#pragma once

#include <string>

#include "engine/base/fd.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder {

class LockFile {
 public:
  // `directory_fd` outlives it. Errors: it was held for longer than `wait_max` (timeout: says by
  // whom), another user made it (conflict), or it cannot be made.
  [[nodiscard]] static Result<LockFile> take(int directory_fd, const std::string& directory,
                                             const std::string& name, Duration wait_max);
  LockFile(LockFile&&) = default;
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

 private:
  LockFile(int directory_fd, std::string name, Fd fd)
      : directory_fd_(directory_fd), name_(std::move(name)), fd_(std::move(fd)) {}

  int directory_fd_;
  std::string name_;
  Fd fd_;
};

}  // namespace murder
