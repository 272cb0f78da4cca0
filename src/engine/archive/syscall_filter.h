// Which system calls a thread that reads archives may make: a program for seccomp.
//
// An allow list. What it leaves out fails with EPERM, as if the user lacked the right, so that the
// deploy fails with a message rather than the process being killed. A call that is newer than this
// list fails with ENOSYS: a later C library that tries it falls back to an older one. Whatever runs
// a program, makes a process or a socket, changes identities or mounts, or hands work to the kernel
// (io_uring, bpf) is left out, and no memory becomes executable.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <vector>

#include "engine/base/result.h"

namespace murder::archive {

struct FilterOptions {
  bool makes_files = false;  // also directories and links; else it can only read what is open
  bool sets_owners = false;
  bool sets_attributes = false;  // extended ones
  pid_t process_id = 0;          // which it may signal: abort() does
};

// Empty on a processor whose calls are not known here.
[[nodiscard]] std::vector<sock_filter> make_syscall_filter(const FilterOptions& options);

// Whether this kernel takes such programs.
[[nodiscard]] bool has_syscall_filters();

// For the calling thread, and for good. It has given up new privileges before
// (PR_SET_NO_NEW_PRIVS).
[[nodiscard]] Status apply_syscall_filter(const std::vector<sock_filter>& program);

}  // namespace murder::archive
