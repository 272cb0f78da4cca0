#include "cli/signing/run_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "engine/base/fd.h"
#include "engine/base/small_file.h"

extern char** environ;

namespace murder::cli {
namespace {

constexpr size_t program_output_bytes_max = 1024 * 1024;
constexpr int look_interval_ms = 200;  // at the cancel flag
constexpr int inherited_file_number = 3;

// Descriptors of the child are made above those that it gets.
Result<Fd> moved_up(Fd fd) {
  Fd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, inherited_file_number + 1));
  if (!moved.is_open()) {
    return fail_errno(errno, "a descriptor cannot be copied");
  }
  return moved;
}

// A file in memory with these bytes, read from its start.
Result<Fd> file_of(std::string_view bytes) {
  Fd file(memfd_create("murder-input", MFD_CLOEXEC));
  if (!file.is_open()) {
    return fail_errno(errno, "a file in memory cannot be made");
  }
  if (Status written = write_whole(file.get(), bytes, "a file in memory"); !written) {
    return fail(written.error());
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) {
    return fail_errno(errno, "a file in memory cannot be read");
  }
  return moved_up(std::move(file));
}

struct ProgramPipe {
  Fd reading;
  Fd writing;
};

Result<ProgramPipe> make_program_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    return fail_errno(errno, "a pipe cannot be made");
  }
  Result<Fd> reading = moved_up(Fd(fds[0]));
  Result<Fd> writing = moved_up(Fd(fds[1]));
  if (!reading || !writing) {
    return fail((reading ? writing : reading).error());
  }
  return ProgramPipe{.reading = std::move(*reading), .writing = std::move(*writing)};
}

class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    // What this program ignores, the other one does not.
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGXFSZ);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void give(const Fd& fd, int number) {
    posix_spawn_file_actions_adddup2(&actions_, fd.get(), number);
  }
  [[nodiscard]] int spawn(pid_t& pid, char* const* arguments) const {
    return posix_spawnp(&pid, arguments[0], &actions_, &attributes_, arguments, environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// Ends and reaps the program, unless it was reaped.
class ForegroundProgram {
 public:
  explicit ForegroundProgram(pid_t pid) : pid_(pid) {}
  ForegroundProgram(const ForegroundProgram&) = delete;
  ForegroundProgram& operator=(const ForegroundProgram&) = delete;
  ~ForegroundProgram() {
    if (pid_ > 0) {
      kill(pid_, SIGTERM);
      static_cast<void>(reap());
    }
  }

  // The exit code; -1: ended by a signal.
  int reap() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
};

// Reads some of what is there; closes the pipe at its end.
Status read_program_pipe(Fd& pipe, std::string& into) {
  std::array<char, 4096> part;
  const ssize_t size = read(pipe.get(), part.data(), part.size());
  if (size < 0 && errno == EINTR) {
    return {};
  }
  if (size <= 0) {
    pipe.reset();
    return {};
  }
  if (into.size() + static_cast<size_t>(size) > program_output_bytes_max) {
    return fail(ErrorCode::limit, "it writes too much");
  }
  into.append(part.data(), static_cast<size_t>(size));
  return {};
}

// The lines of `log` from `told` on that are whole.
void tell_lines(const std::string& log, size_t& told,
                const std::function<void(std::string_view)>& on_line) {
  for (size_t end = log.find('\n', told); end != std::string::npos; end = log.find('\n', told)) {
    const std::string_view line = std::string_view(log).substr(told, end - told);
    told = end + 1;
    if (on_line) {
      on_line(line);
    }
  }
}

// Until both pipes have ended.
Status collect_output(const ProgramOptions& options, Fd output, Fd log, ProgramEnd& end) {
  size_t told = 0;
  while (output.is_open() || log.is_open()) {
    std::array<pollfd, 2> fds = {pollfd{.fd = output.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = log.get(), .events = POLLIN, .revents = 0}};
    const int count = poll(fds.data(), fds.size(), look_interval_ms);
    if (options.cancel != nullptr && options.cancel->is_set()) {
      return fail(ErrorCode::interrupted, "interrupted");
    }
    if (count <= 0) {
      continue;
    }
    Status done;
    if (fds[0].revents != 0) {
      done = read_program_pipe(output, end.output);
    }
    if (done && fds[1].revents != 0) {
      done = read_program_pipe(log, end.log);
      tell_lines(end.log, told, options.on_line);
    }
    if (!done) {
      return done;
    }
  }
  return {};
}

}  // namespace

Result<ProgramEnd> run_program(const ProgramOptions& options) {
  const std::string& name = options.arguments.front();
  Result<Fd> input = file_of(options.input);
  Result<Fd> inherited = file_of(options.inherited_file);
  Result<ProgramPipe> output = make_program_pipe();
  Result<ProgramPipe> log = make_program_pipe();
  if (!input || !inherited || !output || !log) {
    return fail((!input       ? input.error()
                 : !inherited ? inherited.error()
                 : !output    ? output.error()
                              : log.error()));
  }
  SpawnSettings settings;
  settings.give(*input, STDIN_FILENO);
  settings.give(output->writing, STDOUT_FILENO);
  settings.give(log->writing, STDERR_FILENO);
  settings.give(*inherited, inherited_file_number);
  std::vector<char*> arguments;
  for (const std::string& argument : options.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  pid_t pid = -1;
  if (const int error = settings.spawn(pid, arguments.data()); error != 0) {
    return error == ENOENT ? fail(ErrorCode::not_found, name + " is not installed")
                           : fail_errno(error, name + " cannot be started");
  }
  ForegroundProgram running(pid);
  output->writing.reset();
  log->writing.reset();
  ProgramEnd end;
  if (Status collected =
          collect_output(options, std::move(output->reading), std::move(log->reading), end);
      !collected) {
    return fail(collected.error().code, fmt::format("{}: {}", name, collected.error().text));
  }
  end.exit_code = running.reap();
  return end;
}

}  // namespace murder::cli
