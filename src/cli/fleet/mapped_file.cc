#include "cli/fleet/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "engine/io/sockets.h"

namespace murder::fleet {

Result<MappedFile> MappedFile::open(const std::string& path) {
  const io::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!fd.is_open() || fstat(fd.get(), &status) != 0) {
    return fail_errno(errno, "cannot open " + path);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_input, path + " is not a file");
  }
  const auto size_bytes = static_cast<size_t>(status.st_size);
  if (size_bytes == 0) {
    return MappedFile(nullptr, 0);
  }
  void* start = mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (start == MAP_FAILED) {
    return fail_errno(errno, "cannot read " + path);
  }
  return MappedFile(start, size_bytes);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

MappedFile::~MappedFile() {
  if (start_ != nullptr) {
    munmap(start_, size_bytes_);
  }
}

}  // namespace murder::fleet
