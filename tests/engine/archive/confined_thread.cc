// What a thread that unpacks can still do, and what it cannot.
#include "engine/archive/confined_thread.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <new>
#include <thread>

#include "engine/archive/landlock.h"
#include "engine/archive/out_of_memory.h"
#include "engine/archive/syscall_filter.h"
#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

using Errors = std::map<std::string, int>;

int error_of(long result) {
  return result < 0 ? errno : 0;
}

int error_of_opening(int directory_fd, const std::string& path, int flags) {
  const Fd file(::openat(directory_fd, path.c_str(), flags | O_CLOEXEC, 0600));
  return file.is_open() ? 0 : errno;
}

Errors run(const ConfinementOptions& options, const std::function<Errors()>& attempts) {
  Errors errors;
  const Status ran = run_confined(options, [&] { errors = attempts(); });
  REQUIRE_MESSAGE(ran, (ran ? "" : ran.error().text));
  return errors;
}

bool has_landlock() {
  return landlock_version() >= landlock_version_min;
}

}  // namespace

TEST_CASE("a confined thread reaches no file outside of its directory") {
  if (!has_landlock()) {
    MESSAGE("this kernel has no Landlock");
    return;
  }
  TemporaryDirectory temporary;
  make_directory(temporary / "inside");
  make_directory(temporary / "outside");
  write_file(temporary / "outside/kept", "kept");
  const Result<Fd> inside = open_file(temporary / "inside", O_RDONLY | O_DIRECTORY);
  const Result<Fd> outside = open_file(temporary / "outside", O_RDONLY | O_DIRECTORY);
  REQUIRE(inside);
  REQUIRE(outside);
  const int in = inside->get();
  const int out = outside->get();
  const Errors errors = run({.directory_fd = in}, [&]() -> Errors {
    Errors found;
    found["make inside"] = error_of_opening(in, "file", O_WRONLY | O_CREAT | O_EXCL);
    found["make a directory"] = error_of(::mkdirat(in, "dir", 0700));
    found["link to another directory"] = error_of(::linkat(in, "file", in, "dir/link", 0));
    found["read a password"] = error_of_opening(AT_FDCWD, "/etc/passwd", O_RDONLY);
    found["list another directory"] = error_of_opening(out, ".", O_RDONLY | O_DIRECTORY);
    found["make outside"] = error_of_opening(out, "made", O_WRONLY | O_CREAT);
    found["make upwards"] = error_of_opening(in, "../made", O_WRONLY | O_CREAT);
    found["write outside"] = error_of_opening(out, "kept", O_WRONLY | O_TRUNC);
    found["remove outside"] = error_of(::unlinkat(out, "kept", 0));
    found["make a directory outside"] = error_of(::mkdirat(out, "made", 0700));
    found["make a link outside"] = error_of(::symlinkat("target", out, "made"));
    found["link from outside"] = error_of(::linkat(out, "kept", in, "stolen", 0));
    return found;
  });
  CHECK(errors == Errors{{"make inside", 0},
                         {"make a directory", 0},
                         {"link to another directory", 0},
                         {"read a password", EACCES},
                         {"list another directory", EACCES},
                         {"make outside", EACCES},
                         {"make upwards", EACCES},
                         {"write outside", EACCES},
                         {"remove outside", EACCES},
                         {"make a directory outside", EACCES},
                         {"make a link outside", EACCES},
                         {"link from outside", EXDEV}});
  CHECK(names_in(temporary / "outside") == std::vector<std::string>{"kept"});
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"inside", "outside"});
}

TEST_CASE("a confined thread runs, connects to and changes nothing else") {
  if (!has_syscall_filters()) {
    MESSAGE("this kernel has no system call filters");
    return;
  }
  TemporaryDirectory temporary;
  const Result<Fd> directory = open_file(temporary.path(), O_RDONLY | O_DIRECTORY);
  REQUIRE(directory);
  const int fd = directory->get();
  const auto attempts = [fd]() -> Errors {
    Errors found;
    const char* const arguments[] = {"true", nullptr};
    found["execve"] = error_of(::execv("/bin/true", const_cast<char* const*>(arguments)));
    found["fork"] = error_of(::fork());
    found["clone"] = error_of(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    found["socket"] = error_of(::socket(AF_INET, SOCK_STREAM, 0));
    found["connect"] = error_of(::connect(fd, nullptr, 0));
    found["ptrace"] = error_of(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
    found["io_uring"] = error_of(::syscall(SYS_io_uring_setup, 1, nullptr));
    found["io_uring_enter"] = error_of(::syscall(SYS_io_uring_enter, fd, 1, 0, 0, nullptr, 0));
    found["mount"] = error_of(::syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, nullptr));
    found["setuid"] = error_of(::syscall(SYS_setuid, 0));
    found["setresuid"] = error_of(::syscall(SYS_setresuid, 0, 0, 0));
    found["bpf"] = error_of(::syscall(SYS_bpf, 0, nullptr, 0));
    found["keyctl"] = error_of(::syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    found["kill"] = error_of(::syscall(SYS_kill, ::getppid(), 0));
    found["signal another"] = error_of(::syscall(SYS_tgkill, 1, 1, 0));
    found["rename"] = error_of(::renameat(fd, "a", fd, "b"));
    found["mknod"] = error_of(::mknodat(fd, "fifo", S_IFIFO | 0600, 0));
    found["chmod"] = error_of(::fchmodat(fd, ".", 0700, 0));
    found["ioctl"] = error_of(::syscall(SYS_ioctl, fd, 0, nullptr));
    found["chdir"] = error_of(::chdir("/"));
    found["executable memory"] = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                                     ? errno
                                     : 0;
    void* const memory =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    found["executable later"] = error_of(::mprotect(memory, 4096, PROT_READ | PROT_EXEC));
    ::munmap(memory, 4096);
    return found;
  };
  for (const auto& attempt : run({.directory_fd = fd}, attempts)) {
    CAPTURE(attempt.first);
    CHECK(attempt.second == EPERM);
  }
  // A C library of the future falls back to what it did before.
  const auto later = [] { return Errors{{"", error_of(::syscall(9999, 0))}}; };
  CHECK(run({.directory_fd = fd}, later) == Errors{{"", ENOSYS}});
  // What is asked for is allowed, and only that.
  const auto owner = [fd] { return Errors{{"", error_of(::fchown(fd, -1, -1))}}; };
  CHECK(run({.directory_fd = fd}, owner) == Errors{{"", EPERM}});
  CHECK(run({.directory_fd = fd, .sets_owners = true}, owner) == Errors{{"", 0}});
  const auto attribute = [fd] {
    return Errors{{"", error_of(::syscall(SYS_fsetxattr, fd, "none", "", 0, 0))}};
  };
  CHECK(run({.directory_fd = fd}, attribute) == Errors{{"", EPERM}});
  CHECK(run({.directory_fd = fd, .sets_attributes = true}, attribute) == Errors{{"", EOPNOTSUPP}});
}

TEST_CASE("a thread that only checks an archive makes and opens nothing") {
  if (!has_syscall_filters()) {
    MESSAGE("this kernel has no system call filters");
    return;
  }
  TemporaryDirectory temporary;
  const Result<Fd> directory = open_file(temporary.path(), O_RDONLY | O_DIRECTORY);
  REQUIRE(directory);
  const int fd = directory->get();
  const Errors errors = run({}, [fd]() -> Errors {
    return {{"open", error_of_opening(fd, ".", O_RDONLY | O_DIRECTORY)},
            {"mkdir", error_of(::mkdirat(fd, "dir", 0700))},
            {"unlink", error_of(::unlinkat(fd, "dir", AT_REMOVEDIR))}};
  });
  CHECK(errors == Errors{{"open", EPERM}, {"mkdir", EPERM}, {"unlink", EPERM}});
}

TEST_CASE("only the confined thread is held, and a pulse comes while it works") {
  std::atomic<int> pulses = 0;
  const Status ran = run_confined(
      {},
      [&pulses] {
        while (pulses.load() < 3) {
          ::usleep(1000);
        }
      },
      [&pulses] { ++pulses; });
  REQUIRE(ran);
  CHECK(pulses == 3);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK(socket.is_open());
  CHECK(::prctl(PR_GET_SECCOMP) == 0);
  CHECK(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

TEST_CASE("unpacking is confined, and works without where the kernel has nothing to confine it") {
  TemporaryDirectory temporary;
  const std::string tar =
      raw_tar({{.path = "dir", .type = EntryType::directory},
               {.path = "dir/file", .content = "content"},
               {.path = "other/link", .type = EntryType::hard_link, .link_target = "dir/file"}});
  class Watcher : public Notes {
   public:
    void progress(const ByteProgress& /*progress*/) override {
      const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
      is_held = !socket.is_open();
    }
    bool is_held = false;
  };
  const auto unpack_to = [&](const std::string& tag, bool is_confined) {
    MemorySource source(tar);
    Watcher watcher;
    const Result<Unpacked> unpacked = unpack(source,
                                             {.archive_name = "a",
                                              .directory = temporary.path(),
                                              .tag = tag,
                                              .is_confined = is_confined},
                                             watcher);
    REQUIRE_MESSAGE(unpacked, (unpacked ? "" : unpacked.error().text));
    CHECK(exists(temporary / tag + "/other/link"));
    return watcher.is_held;
  };
  if (has_syscall_filters()) {
    CHECK(unpack_to("confined", true));
  }
  CHECK_FALSE(unpack_to("free", false));
  // As in a container that forbids them, or with an older kernel.
  for (const int error_number : {ENOSYS, EPERM, EOPNOTSUPP}) {
    CAPTURE(error_number);
    std::vector<sock_filter> program = {
        {.code = BPF_LD | BPF_W | BPF_ABS, .jt = 0, .jf = 0, .k = offsetof(seccomp_data, nr)}};
    for (const long number : {SYS_landlock_create_ruleset, SYS_seccomp}) {
      program.push_back({.code = BPF_JMP | BPF_JEQ | BPF_K,
                         .jt = 0,
                         .jf = 1,
                         .k = static_cast<uint32_t>(number)});
      program.push_back({.code = BPF_RET | BPF_K,
                         .jt = 0,
                         .jf = 0,
                         .k = SECCOMP_RET_ERRNO | static_cast<uint32_t>(error_number)});
    }
    program.push_back({.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = SECCOMP_RET_ALLOW});
    std::thread([&] {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      if (apply_syscall_filter(program)) {
        CHECK(landlock_version() == 0);
        CHECK_FALSE(has_syscall_filters());
        CHECK_FALSE(unpack_to("without-" + std::to_string(error_number), true));
      }
    }).join();
  }
}

TEST_CASE("memory that a confined thread lacks ends the process, and nothing half-made is left") {
  TemporaryDirectory temporary;
  make_directory(temporary / "staging");
  write_file(temporary / "staging/file", "half");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDERR_FILENO);
    end_when_memory_is_out();
    const DoomedPath doomed(temporary / "staging");
    const Result<Fd> staging = open_file(temporary / "staging", O_RDONLY | O_DIRECTORY);
    static_cast<void>(
        run_confined({.directory_fd = staging->get()}, [] { std::get_new_handler()(); }));
    ::_exit(0);
  }
  int state = 0;
  REQUIRE(::waitpid(child, &state, 0) == child);
  REQUIRE(WIFEXITED(state));
  CHECK(WEXITSTATUS(state) == 1);
  CHECK_FALSE(exists(temporary / "staging"));
}

TEST_CASE("the rights of each version of Landlock are those that it knows") {
  CHECK(landlock_rights(0) == 0);
  CHECK(landlock_rights(1) == 0x1FFF);
  CHECK(landlock_rights(2) == 0x3FFF);
  CHECK(landlock_rights(3) == 0x7FFF);
  CHECK(landlock_rights(4) == 0x7FFF);
  CHECK(landlock_rights(5) == 0xFFFF);
  CHECK(landlock_rights(100) == 0xFFFF);
}
