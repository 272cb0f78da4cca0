// The program's own file: whether another one has taken its place. A file that changes between two
// looks is still being written. Blocks: one call.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace murder::agent {

class ProgramFile {
 public:
  // As it is now.
  explicit ProgramFile(std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  // Another one than at the start, and the same as at the look before.
  [[nodiscard]] bool is_replaced();
  // It is of no use: it is not looked at again until it changes.
  void reject();

 private:
  struct Identity {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t size = 0;
    int64_t changed_s = 0;
    int64_t changed_ns = 0;
    bool operator==(const Identity&) const = default;
  };
  [[nodiscard]] Identity look() const;

  std::string path_;
  Identity own_;
  Identity seen_;
};

}  // namespace murder::agent
