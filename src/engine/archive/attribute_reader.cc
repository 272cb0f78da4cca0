#include "engine/archive/attribute_reader.h"

#include <fmt/format.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "engine/archive/bounds.h"

namespace murder::archive {

namespace {

// No *at functions exist for these.
std::string path_of(int directory_fd, const char* name) {
  return fmt::format("/proc/self/fd/{}/{}", directory_fd, name);
}

// 0 and no names where there are none, or no attributes at all; else an errno value.
int list_names(const std::string& path, std::string* ret_names) {
  char first[256];
  ssize_t size = ::llistxattr(path.c_str(), first, sizeof(first));
  std::string names(first, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  if (size < 0 && errno == ERANGE) {
    names.resize(limits::attribute_list_bytes_max);
    size = ::llistxattr(path.c_str(), names.data(), names.size());
    names.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  }
  if (size < 0) {
    return errno == ENOTSUP || errno == ENOSYS ? 0 : errno;
  }
  *ret_names = std::move(names);
  return 0;
}

}  // namespace

Result<std::vector<ExtendedAttribute>> read_attributes(int directory_fd, const char* name,
                                                       bool with_values) {
  std::vector<ExtendedAttribute> found;
  const std::string path = path_of(directory_fd, name);
  std::string names;
  if (const int error_number = list_names(path, &names); error_number != 0) {
    return fail_errno(error_number, "cannot list its extended attributes");
  }
  for (size_t at = 0; at < names.size();) {
    std::string attribute(names.c_str() + at);
    at += attribute.size() + 1;
    if (!is_portable_attribute(attribute)) {
      continue;
    }
    std::string value;
    if (with_values) {
      value.resize(limits::attribute_value_bytes_max);
      const ssize_t size = ::lgetxattr(path.c_str(), attribute.c_str(), value.data(), value.size());
      if (size < 0 && errno == ENODATA) {
        continue;  // it went away, or (trusted ones) is not ours to see
      }
      if (size < 0) {
        return fail_errno(errno, "cannot read its extended attribute " + attribute);
      }
      value.resize(static_cast<size_t>(size));
    }
    found.push_back({.name = std::move(attribute), .value = std::move(value)});
  }
  std::sort(found.begin(), found.end(),
            [](const ExtendedAttribute& left, const ExtendedAttribute& right) {
              return left.name < right.name;
            });
  return found;
}

size_t count_attributes(int fd) {
  std::string names(limits::attribute_list_bytes_max, '\0');
  const ssize_t size = ::flistxattr(fd, names.data(), names.size());
  names.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  size_t count = 0;
  for (size_t at = 0; at < names.size();) {
    const std::string_view name(names.c_str() + at);
    count += is_portable_attribute(name) ? 1 : 0;
    at += name.size() + 1;
  }
  return count;
}

}  // namespace murder::archive
