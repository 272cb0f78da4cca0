#include "cli/fleet/reach/fork_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace murder::fleet {
namespace {

constexpr rlim_t descriptors_per_fork = 5;  // three kept, two more while it is started
constexpr rlim_t descriptors_for_others = 64;

}  // namespace

uint32_t forks_allowed(uint32_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return wanted;
  }
  const rlim_t needed = wanted * descriptors_per_fork + descriptors_for_others;
  if (limit.rlim_cur < needed) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      limit.rlim_cur = before;
    }
  }
  if (limit.rlim_cur >= needed) {
    return wanted;
  }
  const rlim_t free = limit.rlim_cur - std::min(limit.rlim_cur, descriptors_for_others);
  return static_cast<uint32_t>(std::max<rlim_t>(free / descriptors_per_fork, 1));
}

}  // namespace murder::fleet
