// A directory of this machine for one run, that is removed with all it contains.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

// Locked while it is in use, so that the next run can tell, and removes, what one that was killed
// has left.
class PrivateDirectory {
 public:
  [[nodiscard]] static Result<PrivateDirectory> make(const std::string& parent);
  PrivateDirectory(PrivateDirectory&& other) noexcept;
  PrivateDirectory& operator=(PrivateDirectory&&) = delete;
  ~PrivateDirectory();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  PrivateDirectory(std::string path, io::Fd lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  io::Fd lock_;
};

}  // namespace murder::fleet
