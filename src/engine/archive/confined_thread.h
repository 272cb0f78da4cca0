// Runs what reads archives of others on a thread that the kernel keeps to its work: Landlock leaves
// it one directory, a seccomp filter the few system calls it needs.
//
// A thread shares memory and open descriptors with the process. So this stops what a wrong path or
// a wrong call would do, not an attacker who runs code and takes over another thread. Where the
// kernel has neither, or a container forbids them, the work is done all the same.
#pragma once

#include <utility>

#include "engine/base/result.h"

namespace murder::archive {

struct ConfinementOptions {
  int directory_fd = -1;  // below it files are made and removed; -1: it only reads what is open
  bool sets_owners = false;
  bool sets_attributes = false;
};

// What the calling thread is held by. `landlock_version`: 0, none.
struct Confinement {
  int landlock_version = 0;
  bool has_filter = false;
};

// Confines the calling thread, for good, as far as the kernel can and lets us. Error: something
// else ran out, such as descriptors.
[[nodiscard]] Result<Confinement> confine_this_thread(const ConfinementOptions& options);

namespace internal {
[[nodiscard]] Status run_confined(const ConfinementOptions& options, void (*run)(void* argument),
                                  void (*pulse)(void* argument), void* argument);
}  // namespace internal

// Runs `work` on a new confined thread, and returns when it has ended. Error: no thread can be
// started or confined; `work` did not run. Memory that is lacking there ends the process from the
// calling thread, which can still remove what is half-made.
template <typename Work>
[[nodiscard]] Status run_confined(const ConfinementOptions& options, Work work) {
  return internal::run_confined(
      options, [](void* argument) { (*static_cast<Work*>(argument))(); }, nullptr, &work);
}

// The same, and calls `pulse` on the calling thread some times a second until then.
template <typename Work, typename Pulse>
[[nodiscard]] Status run_confined(const ConfinementOptions& options, Work work, Pulse pulse) {
  std::pair<Work, Pulse> both(std::move(work), std::move(pulse));
  return internal::run_confined(
      options, [](void* argument) { static_cast<std::pair<Work, Pulse>*>(argument)->first(); },
      [](void* argument) { static_cast<std::pair<Work, Pulse>*>(argument)->second(); }, &both);
}

}  // namespace murder::archive
