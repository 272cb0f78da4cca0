#include "cli/fleet/file_with_more.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "engine/base/small_file.h"

namespace murder::fleet {

Result<io::Fd> file_with_more_behind(int fd, std::string_view more) {
  const std::string what = "a file in memory for hosts";
  io::Fd file(::memfd_create("murder", MFD_CLOEXEC));
  if (!file.is_open()) {
    return fail_errno(errno, what);
  }
  std::array<char, 64 * 1024> part;
  off_t offset = 0;
  while (true) {
    const ssize_t size = ::pread(fd, part.data(), part.size(), offset);
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0) {
      return fail_errno(errno, what);
    }
    if (size == 0) {
      break;
    }
    if (Status written = write_whole(file.get(), {part.data(), static_cast<size_t>(size)}, what);
        !written) {
      return fail(written.error());
    }
    offset += size;
  }
  if (Status written = write_whole(file.get(), more, what); !written) {
    return fail(written.error());
  }
  return file;
}

}  // namespace murder::fleet
