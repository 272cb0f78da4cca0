#include "cli/ui/output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdio>

#include "cli/ui/standard_output.h"

namespace murder::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration message_wait_max = std::chrono::seconds(1);
constexpr Duration wait_after_signal_max = std::chrono::seconds(1);

// A descriptor to write to without being held up, and without making it non-blocking for the
// processes that share it.
class PatientDescriptor {
 public:
  PatientDescriptor(int fd, bool must_not_block) noexcept : fd_(fd) {
    struct stat status {};
    if (!must_not_block || fstat(fd, &status) != 0) {
      return;
    }
    if (S_ISSOCK(status.st_mode)) {
      kind_ = Kind::socket;
    } else if (S_ISFIFO(status.st_mode) || isatty(fd) == 1) {
      // A second open file of the same pipe or terminal has its own flags.
      std::array<char, 40> path{};
      std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
      reopened_fd_ = open(path.data(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
      kind_ = reopened_fd_ >= 0 ? Kind::reopened : Kind::polled;
    }
  }
  PatientDescriptor(const PatientDescriptor&) = delete;
  PatientDescriptor& operator=(const PatientDescriptor&) = delete;
  ~PatientDescriptor() {
    if (reopened_fd_ >= 0) {
      close(reopened_fd_);
    }
  }

  // Like write(2); EAGAIN where it would have to wait.
  ssize_t write_some(std::string_view bytes) noexcept {
    switch (kind_) {
      case Kind::plain:
        break;
      case Kind::socket:
        return send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      case Kind::reopened:
        return write(reopened_fd_, bytes.data(), bytes.size());
      case Kind::polled:
        // What a pipe with room takes at once. Another writer may be faster: nothing better is
        // left.
        if (!wait_for_room(0)) {
          errno = EAGAIN;
          return -1;
        }
        return write(fd_, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
    }
    return write(fd_, bytes.data(), bytes.size());
  }

  // -1: as long as it takes. False: no room, or a signal came.
  [[nodiscard]] bool wait_for_room(int timeout_ms) const noexcept {
    pollfd source{.fd = fd_, .events = POLLOUT, .revents = 0};
    return poll(&source, 1, timeout_ms) > 0;
  }

 private:
  enum class Kind : uint8_t { plain, socket, reopened, polled };

  int fd_;
  int reopened_fd_ = -1;
  Kind kind_ = Kind::plain;
};

// How much time is left, for poll(2).
class Patience {
 public:
  explicit Patience(std::optional<Duration> wait_max) noexcept {
    if (wait_max) {
      shorten(*wait_max);
    }
  }

  void shorten(Duration wait_max) noexcept {
    const Clock::time_point end = Clock::now() + wait_max;
    end_ = is_bounded_ ? std::min(end_, end) : end;
    is_bounded_ = true;
  }

  [[nodiscard]] int milliseconds_left() const noexcept {
    if (!is_bounded_) {
      return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
    return static_cast<int>(std::max<int64_t>(left.count(), 0));
  }

 private:
  bool is_bounded_ = false;
  Clock::time_point end_{};
};

// Returns 0 or an errno. `written_bytes` is what was written in either case.
int write_all(int fd, std::string_view bytes, std::optional<Duration> wait_max,
              size_t& written_bytes) noexcept {
  PatientDescriptor descriptor(fd, wait_max.has_value());
  Patience patience(wait_max);
  written_bytes = 0;
  while (written_bytes < bytes.size()) {
    const ssize_t count = descriptor.write_some(bytes.substr(written_bytes));
    if (count > 0) {
      written_bytes += static_cast<size_t>(count);
      continue;
    }
    if (count == 0) {
      return EIO;
    }
    if (errno == EINTR) {
      // Whoever sent the signal does not want to wait for a reader.
      patience.shorten(wait_after_signal_max);
      if (patience.milliseconds_left() == 0) {
        return EAGAIN;
      }
      continue;
    }
    if (errno != EAGAIN) {
      return errno;
    }
    const int left_ms = patience.milliseconds_left();
    errno = 0;
    if (left_ms == 0 || (!descriptor.wait_for_room(left_ms) && errno != EINTR)) {
      return EAGAIN;
    }
    if (errno == EINTR) {
      patience.shorten(wait_after_signal_max);
    }
  }
  return 0;
}

std::atomic<bool> is_unread{false};    // what was printed last found no room
std::atomic<bool> is_line_cut{false};  // ... and some of its line is there already

}  // namespace

int print_result(std::string_view bytes, std::optional<Duration> wait_max) noexcept {
  size_t written_bytes = 0;
  return write_all(STDOUT_FILENO, bytes, wait_max, written_bytes);
}

void print_message(std::string_view bytes) noexcept {
  size_t written_bytes = 0;
  const Duration wait_max = is_unread ? Duration::zero() : message_wait_max;
  if (is_line_cut) {
    if (write_all(STDERR_FILENO, "\n", wait_max, written_bytes) != 0) {
      return;
    }
    is_line_cut = false;
  }
  is_unread = write_all(STDERR_FILENO, bytes, wait_max, written_bytes) == EAGAIN;
  is_line_cut = is_unread && written_bytes > 0;
}

bool is_on_terminal() noexcept {
  return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

int take_standard_output() noexcept {
  const int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (fd >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

int open_nothing(int flags) noexcept {
  const int fd = open("/dev/null", flags);
  return fd >= 0 ? fd : open("/", O_PATH);
}

void hold_closed_descriptors() noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) < 0) {
      static_cast<void>(open_nothing(fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
  }
}

}  // namespace murder::cli
