#include "engine/archive/syscall_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

namespace murder::archive {

namespace {

#if defined(__x86_64__)
constexpr uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t architecture = 0;
#endif

// file_setattr of Linux 6.17. Numbers above 424 mean the same on every processor.
constexpr uint32_t newest_known_number = 469;
constexpr long cachestat_number = 451;  // which the C library of Debian 12 does not know

// What any thread needs: memory, locks, clocks, its end; and reading what is open.
constexpr long reading_calls[] = {
    SYS_read,           SYS_pread64,
    SYS_lseek,          SYS_close,
    SYS_fstat,          SYS_newfstatat,
    SYS_statx,          SYS_fstatfs,
    SYS_munmap,         SYS_mremap,
    SYS_madvise,        SYS_brk,
    SYS_futex,          SYS_rt_sigaction,
    SYS_rt_sigprocmask, SYS_rt_sigreturn,
    SYS_sigaltstack,    SYS_restart_syscall,
    SYS_clock_gettime,  SYS_clock_nanosleep,
    SYS_nanosleep,      SYS_gettimeofday,
#ifdef SYS_time
    SYS_time,
#endif
    SYS_sched_yield,    SYS_sched_getaffinity,
    SYS_getcpu,         SYS_getpid,
    SYS_gettid,         SYS_getrandom,
#ifdef SYS_rseq
    SYS_rseq,
#endif
    SYS_exit,           SYS_exit_group,
    SYS_write,  // the last words of a process that ends
    SYS_writev,         cachestat_number,
};

constexpr long making_calls[] = {
    SYS_openat,          SYS_pwrite64,  SYS_ftruncate,
#ifdef SYS_sync_file_range
    SYS_sync_file_range,
#endif
    SYS_mkdirat,         SYS_symlinkat, SYS_linkat,    SYS_unlinkat,
    SYS_readlinkat,      SYS_fchmod,    SYS_utimensat,
};

constexpr long owner_calls[] = {SYS_fchown, SYS_fchownat};
constexpr long attribute_calls[] = {SYS_fsetxattr, SYS_lsetxattr};

class Program {
 public:
  void load(size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }
  void load_argument(size_t index) {
    // The low half: both processors put it first.
    load(offsetof(seccomp_data, args) + index * sizeof(uint64_t));
  }
  void skip_if(uint16_t comparison, uint32_t value, uint8_t count) {
    add(BPF_JMP | comparison | BPF_K, value, count, 0);
  }
  void skip_unless(uint16_t comparison, uint32_t value, uint8_t count) {
    add(BPF_JMP | comparison | BPF_K, value, 0, count);
  }
  void allow() { add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW); }
  void refuse(int error_number) {
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error_number));
  }
  void allow_calls(std::span<const long> numbers) {
    for (const long number : numbers) {
      skip_unless(BPF_JEQ, static_cast<uint32_t>(number), 1);
      allow();
    }
  }
  // The call with an argument that has none of these bits.
  void allow_without(long number, size_t argument, uint32_t bits) {
    skip_unless(BPF_JEQ, static_cast<uint32_t>(number), 4);
    load_argument(argument);
    skip_unless(BPF_JSET, bits, 1);
    refuse(EPERM);
    allow();
  }
  // The call with exactly this argument.
  void allow_with(long number, size_t argument, uint32_t value) {
    skip_unless(BPF_JEQ, static_cast<uint32_t>(number), 4);
    load_argument(argument);
    skip_unless(BPF_JEQ, value, 1);
    allow();
    refuse(EPERM);
  }

  std::vector<sock_filter> instructions;

 private:
  void add(unsigned code, uint32_t value, uint8_t if_true = 0, uint8_t if_false = 0) {
    instructions.push_back(
        {.code = static_cast<uint16_t>(code), .jt = if_true, .jf = if_false, .k = value});
  }
};

}  // namespace

std::vector<sock_filter> make_syscall_filter(const FilterOptions& options) {
  if (architecture == 0) {
    return {};
  }
  Program program;
  program.load(offsetof(seccomp_data, arch));
  // The calls of another architecture (32 bits on x86) have other numbers.
  program.skip_if(BPF_JEQ, architecture, 1);
  program.refuse(EPERM);
  program.load(offsetof(seccomp_data, nr));
  if (options.makes_files) {
    program.allow_calls(making_calls);
  }
  program.allow_calls(reading_calls);
  program.allow_without(SYS_mmap, 2, PROT_EXEC);
  program.allow_without(SYS_mprotect, 2, PROT_EXEC);
  program.allow_with(SYS_tgkill, 0, static_cast<uint32_t>(options.process_id));
  if (options.sets_owners) {
    program.allow_calls(owner_calls);
  }
  if (options.sets_attributes) {
    program.allow_calls(attribute_calls);
  }
  program.skip_if(BPF_JGT, newest_known_number, 1);
  program.refuse(EPERM);
  program.refuse(ENOSYS);
  return program.instructions;
}

bool has_syscall_filters() {
  const uint32_t action = SECCOMP_RET_ERRNO;
  return architecture != 0 && ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

Status apply_syscall_filter(const std::vector<sock_filter>& program) {
  if (program.empty()) {
    return fail(ErrorCode::unsupported, "no system call filter is known for this processor");
  }
  const sock_fprog whole{.len = static_cast<uint16_t>(program.size()),
                         .filter = const_cast<sock_filter*>(program.data())};
  // The thread shares its memory with others that have no filter, so there is nothing that slower
  // branches would keep from it.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &whole) !=
      0) {
    return fail_errno(errno, "cannot set a system call filter");
  }
  return {};
}

}  // namespace murder::archive
