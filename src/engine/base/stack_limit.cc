#include "engine/base/stack_limit.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>

namespace murder {
namespace {

constexpr size_t stack_bytes_wanted = size_t{1} << 20;
constexpr size_t stack_bytes_min = size_t{256} << 10;

void give_threads_room() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) {
    return;
  }
  size_t bytes = 0;
  if (pthread_getattr_default_np(&attributes) == 0 &&
      pthread_attr_getstacksize(&attributes, &bytes) == 0 && bytes < stack_bytes_wanted &&
      pthread_attr_setstacksize(&attributes, stack_bytes_wanted) == 0) {
    static_cast<void>(pthread_setattr_default_np(&attributes));
  }
  pthread_attr_destroy(&attributes);
}

}  // namespace

Status make_room_on_stack() {
  give_threads_room();
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= stack_bytes_wanted) {
    return {};
  }
  const rlimit raised{.rlim_cur = stack_bytes_wanted,
                      .rlim_max = std::max<rlim_t>(limit.rlim_max, stack_bytes_wanted)};
  if (setrlimit(RLIMIT_STACK, &raised) == 0) {
    return {};
  }
  // Whoever is not root cannot go beyond the hard limit.
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, stack_bytes_wanted);
  if (limit.rlim_cur < stack_bytes_min) {
    return fail(ErrorCode::limit,
                fmt::format("the stack is limited to {} KiB, at least {} KiB are needed: raise the "
                            "hard limit (ulimit -Hs, LimitSTACK=)",
                            limit.rlim_cur >> 10, stack_bytes_min >> 10));
  }
  static_cast<void>(setrlimit(RLIMIT_STACK, &limit));
  return {};
}

}  // namespace murder
