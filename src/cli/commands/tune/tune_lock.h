// One murder tune at a time that changes a host. A file that only root opens, since anybody may
// lock a directory that he can list; it is there no longer than the lock.
#pragma once

#include <string>
#include <utility>

#include "engine/base/result.h"

namespace murder::cli::tune {

class TuneLock {
 public:
  // Errors: another process holds it (conflict).
  [[nodiscard]] static Result<TuneLock> take(const std::string& root);
  TuneLock(TuneLock&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  TuneLock& operator=(TuneLock&&) = delete;
  ~TuneLock();

 private:
  TuneLock(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::string path_;
};

}  // namespace murder::cli::tune
