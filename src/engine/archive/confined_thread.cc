#include "engine/archive/confined_thread.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <thread>

#include "engine/archive/landlock.h"
#include "engine/archive/out_of_memory.h"
#include "engine/archive/syscall_filter.h"
#include "engine/base/thread_start.h"

namespace murder::archive {

namespace {

// The kernel lacks it, a security module or a container forbids it, or there are 16 rulesets
// already.
bool is_refused(const Error& error) {
  return error.code != ErrorCode::limit && error.code != ErrorCode::no_space;
}

}  // namespace

Result<Confinement> confine_this_thread(const ConfinementOptions& options) {
  Confinement confinement;
  const bool makes_files = options.directory_fd >= 0;
  // Before the rights to call anything are given up.
  const std::vector<sock_filter> filter =
      make_syscall_filter({.makes_files = makes_files,
                           .sets_owners = makes_files && options.sets_owners,
                           .sets_attributes = makes_files && options.sets_attributes,
                           .process_id = ::getpid()});
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return confinement;
  }
  if (Status restricted = restrict_to_directory(options.directory_fd); restricted) {
    confinement.landlock_version = landlock_version();
  } else if (!is_refused(restricted.error())) {
    return fail(restricted.error());
  }
  if (Status filtered = apply_syscall_filter(filter); filtered) {
    confinement.has_filter = true;
  } else if (!is_refused(filtered.error())) {
    return fail(filtered.error());
  }
  return confinement;
}

namespace internal {

Status run_confined(const ConfinementOptions& options, void (*run)(void* argument),
                    void (*pulse)(void* argument), void* argument) {
  Deputy deputy;
  Status result;
  std::thread thread;
  const Status started = start_thread(thread, [&options, run, argument, &deputy, &result] {
    ::pthread_setname_np(::pthread_self(), "murder-unpack");
    deputy.act_for_this_thread();
    if (const Result<Confinement> confined = confine_this_thread(options); confined) {
      run(argument);
    } else {
      result = fail(confined.error());
    }
    deputy.release();
  });
  if (!started) {
    return started;
  }
  while (!deputy.wait(pulse != nullptr)) {
    pulse(argument);
  }
  thread.join();
  return result;
}

}  // namespace internal

}  // namespace murder::archive
