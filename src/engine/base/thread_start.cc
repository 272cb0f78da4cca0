#include "engine/base/thread_start.h"

#include <fmt/format.h>

#include <cstring>
#include <system_error>

namespace murder::internal {

Status start_thread(std::thread& thread, void (*run)(void* argument), void* argument) {
  try {
    thread = std::thread(run, argument);
    return {};
  } catch (const std::system_error& error) {
    return fail(ErrorCode::limit,
                fmt::format("no further thread can be started: {} (the number of processes or the "
                            "memory is limited: pids.max and memory.max of a control group, "
                            "ulimit -u, ulimit -v)",
                            std::strerror(error.code().value())));
  }
}

}  // namespace murder::internal
