#include "cli/fleet/reach/job_inputs.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "engine/host/child_process.h"

namespace murder::fleet {

Result<int> JobInputs::of(const void* kind, std::string_view bytes, int fd) {
  if (fd < 0 && bytes.empty()) {
    return -1;
  }
  Opened& opened = open_[kind];
  io::Fd& input = opened.file;
  const bool is_same =
      opened.fd == fd && opened.bytes.data() == bytes.data() && opened.bytes.size() == bytes.size();
  if (input.is_open() && is_same) {
    return input.get();
  }
  opened.bytes = bytes;
  opened.fd = fd;
  if (fd >= 0) {
    input = io::Fd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    return input.is_open() ? Result<int>(input.get())
                           : fail_errno(errno, "standard input for hosts");
  }
  Result<io::Fd> file = host::memory_file(bytes);
  if (!file) {
    return fail(file.error());
  }
  input = std::move(*file);
  return input.get();
}

}  // namespace murder::fleet
