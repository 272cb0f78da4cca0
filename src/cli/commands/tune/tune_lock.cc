#include "cli/commands/tune/tune_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cli/commands/tune/read_facts.h"

namespace murder::cli::tune {
namespace {

constexpr std::string_view lock_path = "/var/lib/.murder-tune.lock";
constexpr int attempts_max = 100;

bool is_still_named(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named {};
  return ::fstat(fd, &open_file) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

}  // namespace

Result<TuneLock> TuneLock::take(const std::string& root) {
  const std::string path = below(root, std::string(lock_path));
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
      return fail_errno(errno, "cannot open " + path);
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error_number = errno;
      ::close(fd);
      return error_number == EWOULDBLOCK
                 ? fail(ErrorCode::conflict, "another murder tune is at work on this host")
                 : fail_errno(error_number, "cannot lock " + path);
    }
    // Whoever held it may have removed the name between our open and our lock.
    if (is_still_named(fd, path)) {
      return TuneLock(fd, path);
    }
    ::close(fd);
  }
  return fail(ErrorCode::conflict, "another murder tune is at work on this host");
}

TuneLock::~TuneLock() {
  if (fd_ >= 0) {
    ::unlink(path_.c_str());
    ::close(fd_);
  }
}

}  // namespace murder::cli::tune
