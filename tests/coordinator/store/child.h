// What is done in a process that may be killed, or may mount.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace murder::store {

// The child's exit status; 128 and more: the signal that ended it.
inline int status_of(pid_t child) {
  int state = 0;
  if (::waitpid(child, &state, 0) != child) {
    return -1;
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

template <typename Body>
pid_t start_child(Body&& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(body());
  }
  return child;
}

inline constexpr int cannot_mount = 77;

// The body's result (an int), in a child with a file system of so many bytes at `path`;
// cannot_mount without the right to do that.
template <typename Body>
int run_on_small_disk(const char* path, const char* options, Body&& body) {
  return status_of(start_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", path, "tmpfs", 0, options) != 0) {
      return cannot_mount;
    }
    return body();
  }));
}

}  // namespace murder::store
