#include "engine/host/own_program.h"

#include <limits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace murder::host {

std::string without_deleted_mark(std::string path) {
  constexpr std::string_view mark = " (deleted)";  // proc_pid_exe(5)
  if (path.ends_with(mark)) {
    path.resize(path.size() - mark.size());
  }
  return path;
}

Result<std::string> own_program_path() {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = readlink("/proc/self/exe", target.data(), target.size());
  if (size <= 0) {
    return fail_errno(errno, "cannot find where this program is (/proc/self/exe)");
  }
  std::string path(target.data(), static_cast<size_t>(size));
  // A file may be called so.
  return access(path.c_str(), X_OK) == 0 ? path : without_deleted_mark(std::move(path));
}

}  // namespace murder::host
