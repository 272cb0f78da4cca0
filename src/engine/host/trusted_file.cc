#include "engine/host/trusted_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/fd.h"
#include "engine/base/own_file.h"
#include "engine/host/bounded_read.h"

namespace murder::host {
namespace {

constexpr int links_on_way_max = 40;  // as the kernel has it

// The path without links, of what is there.
Result<std::string> real_path_of(const std::string& path) {
  char* const found = ::realpath(path.c_str(), nullptr);
  if (found == nullptr) {
    return fail_errno(errno, "cannot open " + path);
  }
  std::string real = found;
  std::free(found);
  return real;
}

Result<std::string> whole_path_of(const std::string& path) {
  if (path.starts_with('/')) {
    return path;
  }
  const Result<std::string> here = real_path_of(".");
  return here ? Result<std::string>(*here + "/" + path) : here;
}

// In front of those that are there, the first one last.
void add_names(std::string_view path, std::vector<std::string>& names) {
  const size_t before = names.size();
  while (!path.empty()) {
    const size_t size = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, size);
    path.remove_prefix(std::min(size + 1, path.size()));
    if (!name.empty() && name != ".") {
      names.emplace_back(name);
    }
  }
  std::reverse(names.begin() + static_cast<std::ptrdiff_t>(before), names.end());
}

Status check_directory(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return fail_errno(errno, "cannot look at " + path);
  }
  // Of a directory such as /tmp only the owner of a file may take that away.
  const bool is_sticky = (status.st_mode & S_ISVTX) != 0 && status.st_uid == 0;
  return is_sticky ? Status() : check_own(status, path);
}

// Where a link in `directory` leads. Error (conflict): it is another user's, who may put another
// one in its place; elsewhere nobody can who may not write the directory.
Result<std::string> where_link_leads(const std::string& directory, const std::string& link,
                                     const struct stat& status) {
  struct stat around {};
  if (::stat(directory.c_str(), &around) != 0) {
    return fail_errno(errno, "cannot look at " + directory);
  }
  const bool is_sticky = (around.st_mode & S_ISVTX) != 0;
  if (is_sticky && status.st_uid != ::geteuid() && status.st_uid != 0) {
    return fail(ErrorCode::conflict,
                link + " is a symbolic link of another user, so it is not used: remove it");
  }
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  return size < 0 ? Result<std::string>(fail_errno(errno, "cannot read the link " + link))
                  : std::string(target.data(), static_cast<size_t>(size));
}

}  // namespace

Result<std::optional<std::string>> read_trusted_file(const std::string& path, size_t bytes_max) {
  const Result<std::string> real = real_path_of(path);
  if (!real) {
    struct stat link {};
    if (real.error().code != ErrorCode::not_found) {
      return fail(real.error());
    }
    if (!has_dangling_link(path) && ::lstat(path.c_str(), &link) != 0) {
      return errno == ENOENT ? Result<std::optional<std::string>>(std::nullopt)
                             : fail_errno(errno, "cannot look at " + path);
    }
    // Somebody meant to have one.
    return fail(
        ErrorCode::conflict,
        fmt::format("cannot open {}: it is a link that leads to no file, or behind one", path));
  }
  const Fd fd(::open(real->c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW));
  if (!fd.is_open()) {
    return fail_errno(errno, "cannot open " + path);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    return fail_errno(errno, "cannot look at " + path);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::conflict, path + " is not a regular file");
  }
  const Result<std::string> whole = whole_path_of(path);
  Status own = whole ? check_own(status, path) : Status(fail(whole.error()));
  own = own ? check_way_to(*whole) : own;
  if (!own) {
    return fail(own.error());
  }
  Result<std::string> text = read_bounded(fd.get(), path, bytes_max);
  return text ? Result<std::optional<std::string>>(std::move(*text)) : fail(text.error());
}

bool has_dangling_link(const std::string& path) {
  for (size_t end = path.find('/', 1); true; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    struct stat status {};
    if (::lstat(part.c_str(), &status) != 0) {
      return false;
    }
    if (S_ISLNK(status.st_mode) && ::stat(part.c_str(), &status) != 0) {
      return true;
    }
    if (end == std::string::npos) {
      return false;
    }
  }
}

Status check_way_to(const std::string& path) {
  std::vector<std::string> names;  // that are still to be looked up, the next one last
  add_names(path, names);
  std::string at;  // without links; empty: the root
  for (int links = 0; !names.empty();) {
    if (Status own = check_directory(at.empty() ? "/" : at); !own) {
      return own;
    }
    const std::string name = std::move(names.back());
    names.pop_back();
    if (name == "..") {
      at.resize(std::min(at.rfind('/'), at.size()));
      continue;
    }
    const std::string next = at + "/" + name;
    struct stat status {};
    if (::lstat(next.c_str(), &status) != 0) {
      return errno == ENOENT && names.empty() ? Status()
                                              : fail_errno(errno, "cannot look at " + next);
    }
    if (!S_ISLNK(status.st_mode)) {
      at = next;
      continue;
    }
    const Result<std::string> target = where_link_leads(at.empty() ? "/" : at, next, status);
    if (!target || ++links > links_on_way_max) {
      return target ? fail_errno(ELOOP, "cannot follow " + path) : Status(fail(target.error()));
    }
    at = target->starts_with('/') ? "" : at;
    add_names(*target, names);
  }
  return {};
}

}  // namespace murder::host
