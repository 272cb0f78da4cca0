#include "engine/host/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

extern char** environ;

namespace murder::host {
namespace {

constexpr int extra_fd_number = 3;

struct Pipe {
  io::Fd reading;  // does not block
  io::Fd writing;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    return fail_errno(errno, "a pipe cannot be made");
  }
  Pipe made{.reading = io::Fd(fds[0]), .writing = io::Fd(fds[1])};
  if (fcntl(made.reading.get(), F_SETFL, O_NONBLOCK) != 0) {
    return fail_errno(errno, "a pipe cannot be made");
  }
  return made;
}

// posix_spawn's two kinds of settings, freed at the end.
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  // Its own process group, no blocked signals; what murder ignores (SIGPIPE) is not ignored there.
  void set_process() {
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }

  void set_descriptors(const std::string& input_path, int output_fd, int log_fd, int extra_fd) {
    // The extra one first: 3 may be the number of a descriptor that the others close over.
    if (extra_fd >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, extra_fd, extra_fd_number);
    }
    posix_spawn_file_actions_adddup2(&actions_, output_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, log_fd, STDERR_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, input_path.c_str(), O_RDONLY, 0);
  }

  [[nodiscard]] int spawn(pid_t& pid, char* const* arguments, char* const* environment) const {
    return posix_spawnp(&pid, arguments[0], &actions_, &attributes_, arguments, environment);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// The service that a manager watches is this process alone, whatever it starts.
bool is_of_service(std::string_view entry) {
  return entry.starts_with("NOTIFY_SOCKET=") || entry.starts_with("WATCHDOG_");
}

// That of this process with what is added: a name comes once.
std::vector<char*> environment_with(const std::vector<std::string>& added) {
  std::vector<char*> all = pointers_to(added);
  all.pop_back();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('=') + 1);
    const bool is_replaced = std::any_of(added.begin(), added.end(), [&](const std::string& each) {
      return std::string_view(each).starts_with(name);
    });
    if (!is_replaced && !is_of_service(text)) {
      all.push_back(*entry);
    }
  }
  all.push_back(nullptr);
  return all;
}

// A copy of the descriptor above those that set_descriptors writes to.
Result<io::Fd> moved_up(int fd) {
  io::Fd copy(fcntl(fd, F_DUPFD_CLOEXEC, 10));
  if (!copy.is_open()) {
    return fail_errno(errno, "a descriptor cannot be copied");
  }
  return copy;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const ChildOptions& options) {
  Result<Pipe> output = make_pipe();
  Result<Pipe> log = make_pipe();
  if (!output || !log) {
    return fail((output ? log : output).error());
  }
  // Moved out of the way of 0 to 3, where the child's own descriptors go.
  const Result<io::Fd> output_end = moved_up(output->writing.get());
  const Result<io::Fd> log_end = moved_up(log->writing.get());
  const Result<io::Fd> extra =
      options.extra_fd >= 0 ? moved_up(options.extra_fd) : Result<io::Fd>(io::Fd());
  if (!output_end || !log_end || !extra) {
    return fail(ErrorCode::limit, "no descriptor is free: raise `ulimit -n`, or lower --forks");
  }
  SpawnSettings settings;
  settings.set_process();
  settings.set_descriptors(options.input_fd < 0
                               ? "/dev/null"
                               : fmt::format("/proc/{}/fd/{}", getpid(), options.input_fd),
                           output_end->get(), log_end->get(), extra->get());
  const std::vector<char*> arguments = pointers_to(options.arguments);
  const std::vector<char*> environment = environment_with(options.environment);
  ChildProcess child;
  if (const int error = settings.spawn(child.pid_, arguments.data(), environment.data());
      error != 0) {
    child.pid_ = -1;
    return fail_errno(error, fmt::format("{} cannot be started", options.arguments[0]));
  }
  child.pid_fd_ = io::Fd(static_cast<int>(syscall(SYS_pidfd_open, child.pid_, 0)));
  if (!child.pid_fd_.is_open()) {
    return fail_errno(errno, "a process cannot be watched");  // the destructor ends it
  }
  child.output_ = std::move(output->reading);
  child.log_ = std::move(log->reading);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      is_signalled_(other.is_signalled_),
      pid_fd_(std::move(other.pid_fd_)),
      output_(std::move(other.output_)),
      log_(std::move(other.log_)) {}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    send_signal(SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

std::string_view ChildProcess::read_some(io::Fd& fd) {
  static thread_local std::array<char, 64 * 1024> buffer;
  ssize_t count = 0;
  do {
    count = read(fd.get(), buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  if (count == 0 || (count < 0 && errno != EAGAIN)) {
    fd.reset();
  }
  return {buffer.data(), static_cast<size_t>(count > 0 ? count : 0)};
}

void ChildProcess::send_signal(int number) {
  if (pid_ > 0) {
    kill(-pid_, number);
    is_signalled_ = true;
  }
}

std::optional<ChildProcess::End> ChildProcess::reap() {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid != pid_) {
    return std::nullopt;
  }
  if (is_signalled_) {
    // What it started may be deaf to the signal. The group's number is its own until waitpid.
    kill(-pid_, SIGKILL);
  }
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) {
    return std::nullopt;
  }
  pid_ = -1;
  if (WIFEXITED(status)) {
    return End{.exit_code = WEXITSTATUS(status)};
  }
  return End{.signal = WTERMSIG(status)};
}

Result<io::Fd> memory_file(std::string_view bytes) {
  io::Fd file(memfd_create("murder-input", MFD_CLOEXEC));
  if (!file.is_open()) {
    return fail_errno(errno, "a file in memory cannot be made");
  }
  while (!bytes.empty()) {
    const ssize_t count = write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      return fail_errno(errno, "a file in memory cannot be written");
    }
    bytes.remove_prefix(static_cast<size_t>(count > 0 ? count : 0));
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) {
    return fail_errno(errno, "a file in memory cannot be read");
  }
  return file;
}

}  // namespace murder::host
