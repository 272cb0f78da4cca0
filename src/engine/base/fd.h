// An owned descriptor.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace murder {

// Closes what it holds; movable. Moved from, it holds nothing. What the ring still uses is closed
// by Reactor::close_fd() instead.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = other.release();
    }
    return *this;
  }
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset() { static_cast<void>(close()); }
  // An errno value, or 0: some file systems report only here what could not be written.
  [[nodiscard]] int close() {
    const int fd = release();
    // Linux has closed it also when it reports EINTR.
    return fd >= 0 && ::close(fd) != 0 && errno != EINTR ? errno : 0;
  }

 private:
  int fd_ = -1;
};

}  // namespace murder
