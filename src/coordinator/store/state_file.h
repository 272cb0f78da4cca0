// The place of a state on this machine: a private directory, and the lock by which one coordinator
// at a time uses it.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/fd.h"
#include "engine/base/result.h"

namespace murder::store {

inline constexpr std::string_view state_file_name = "state.db";

// Makes the directory (mode 0700, and its parents as mkdir -p does) and returns the state's file in
// it. One that is there must be ours, and others may not write it; if it is empty or holds a state,
// it becomes private.
[[nodiscard]] Result<std::string> prepare_state_directory(const std::string& directory);

// Whether the directory that the file lies in is there, and nobody else may write it.
[[nodiscard]] Status check_directory_of(const std::string& file);

// Makes a file that is private (0600); one that is there stays as it is. Its name is on the disk
// when this returns.
[[nodiscard]] Status make_private_file(const std::string& file);

// Holds FILE.lock for as long as it lives. In the file is the address of who holds it.
class StateLock {
 public:
  StateLock() = default;

  // Error conflict: another process has it, and which.
  [[nodiscard]] static Result<StateLock> take(const std::string& state_file,
                                              std::string_view own_address);
  // Of whoever holds the lock; empty if nobody does.
  [[nodiscard]] static std::string read_holder_address(const std::string& state_file);

  [[nodiscard]] bool is_held() const { return fd_.is_open(); }
  // Whether the name still leads to the file that is locked.
  [[nodiscard]] bool is_in_place() const;
  void release();

 private:
  StateLock(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Fd fd_;
  std::string path_;
};

}  // namespace murder::store
