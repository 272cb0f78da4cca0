// Starts threads where none may be left to start.
#pragma once

#include <memory>
#include <thread>
#include <utility>

#include "engine/base/result.h"

namespace murder {

namespace internal {
[[nodiscard]] Status start_thread(std::thread& thread, void (*run)(void* argument), void* argument);
}  // namespace internal

// Runs `function` on a new thread, which `thread` becomes. Error: the number of processes or the
// memory is limited (pids.max of a control group, ulimit -u or -v), where std::thread itself would
// throw.
template <typename Function>
[[nodiscard]] Status start_thread(std::thread& thread, Function function) {
  auto held = std::make_unique<Function>(std::move(function));
  const Status started = internal::start_thread(
      thread,
      [](void* argument) {
        const std::unique_ptr<Function> own(static_cast<Function*>(argument));
        (*own)();
      },
      held.get());
  if (started) {
    static_cast<void>(held.release());  // the thread's
  }
  return started;
}

}  // namespace murder
