#include "engine/archive/stated_size.h"

#include <span>

#include "engine/archive/file.h"

namespace murder::archive {

Status check_stated_size(int fd, uint64_t size_bytes, const std::string& path) {
  if (size_bytes > 0) {
    return {};
  }
  uint8_t byte = 0;
  const Result<size_t> got = read_at(fd, std::span(&byte, 1), 0, path);
  if (!got) {
    return fail(got.error());
  }
  return *got == 0 ? Status()
                   : Status(fail(ErrorCode::unsupported,
                                 path + " has content, but says that its size is 0, as files of "
                                        "/proc do: pack a copy of it"));
}

}  // namespace murder::archive
