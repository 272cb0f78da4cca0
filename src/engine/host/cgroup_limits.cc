#include "engine/host/cgroup_limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "engine/base/bounds.h"
#include "engine/io/sockets.h"

namespace murder::host {
namespace {

// Version 1 says "no limit" with the largest number of pages.
constexpr uint64_t no_limit_min = uint64_t{1} << 60U;
constexpr uint64_t mib = 1024 * 1024;

// All of a file of the kernel's, whose size is not known before.
std::string text_of(const std::string& path) {
  const io::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> part{};
  ssize_t size = 0;
  while (fd.is_open() && (size = read(fd.get(), part.data(), part.size())) > 0) {
    text.append(part.data(), static_cast<size_t>(size));
  }
  return text;
}

std::optional<uint64_t> number_in(const std::string& path) {
  const std::string line = text_of(path);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  const bool is_limit = error == std::errc{} && value < no_limit_min;  // not "max"
  return is_limit ? std::optional(value) : std::nullopt;
}

void lower(std::optional<uint64_t>& limit, const std::optional<uint64_t>& other) {
  if (other) {
    limit = limit ? std::min(*limit, *other) : *other;
  }
}

// The least of a file in the group and in all above it, up to where the hierarchy is mounted. In a
// container the names of the groups above are not those of the mount, and only the latter counts.
std::optional<uint64_t> least_of(const std::string& mount, std::string group,
                                 const std::string& file) {
  std::optional<uint64_t> limit;
  while (true) {
    lower(limit, number_in(mount + group + "/" + file));
    const size_t slash = group.rfind('/');
    if (group.empty() || slash == std::string::npos) {
      return limit;
    }
    group.resize(slash);
  }
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == word) {
      return true;
    }
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace

CgroupLimits read_cgroup_limits(const std::string& membership, const std::string& root) {
  CgroupLimits limits;
  for (size_t at = 0; at < membership.size();) {
    const size_t line_end = std::min(membership.find('\n', at), membership.size());
    const std::string line = membership.substr(at, line_end - at);
    at = line_end + 1;
    // "0::/user.slice/x" of version 2, "4:memory:/x" of version 1
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    if (group == "/" || group.find("/..") != std::string::npos) {
      group.clear();
    }
    if (controllers.empty()) {
      for (const char* mount : {"", "/unified"}) {
        lower(limits.memory_bytes, least_of(root + mount, group, "memory.max"));
        lower(limits.processes, least_of(root + mount, group, "pids.max"));
      }
    }
    if (has_word(controllers, "memory")) {
      lower(limits.memory_bytes, least_of(root + "/memory", group, "memory.limit_in_bytes"));
    }
    if (has_word(controllers, "pids")) {
      lower(limits.processes, least_of(root + "/pids", group, "pids.max"));
    }
  }
  return limits;
}

CgroupLimits read_cgroup_limits() {
  return read_cgroup_limits(text_of("/proc/self/cgroup"), "/sys/fs/cgroup");
}

std::optional<uint64_t> memory_limit() {
  std::optional<uint64_t> limit = read_cgroup_limits().memory_bytes;
  rlimit address_space{};
  if (getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY) {
    lower(limit, address_space.rlim_cur);
  }
  return limit;
}

uint64_t memory_budget_of(const std::optional<uint64_t>& limit_bytes) {
  if (!limit_bytes) {
    return limits::memory_bytes_default;
  }
  const uint64_t quarter = *limit_bytes / 4 / mib * mib;
  return std::clamp(quarter, memory_bytes_min, limits::memory_bytes_default);
}

}  // namespace murder::host
