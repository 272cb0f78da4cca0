#include "coordinator/copy_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "coordinator/bounds.h"
#include "engine/base/fd.h"
#include "engine/base/printable.h"
#include "engine/base/small_file.h"
#include "engine/host/processes.h"
#include "engine/host/run_directory.h"

namespace murder::coordinator {
namespace {

constexpr Duration stop_wait_max = std::chrono::seconds(10);
constexpr Duration look_wait_max = std::chrono::seconds(1);

std::string run_directory_of(const std::string& directory) {
  return directory + "/run";
}

std::string log_path_of(const std::string& directory) {
  return directory + "/log";
}

std::string arguments_path_of(const std::string& directory) {
  return directory + "/arguments";
}

std::string joined(const std::vector<std::string>& arguments) {
  std::string text;
  for (const std::string& argument : arguments) {
    text += argument + "\n";
  }
  return text;
}

// With nothing of this process but its standard streams, which go to the log.
class Spawn {
 public:
  explicit Spawn(const std::string& directory) : log_(log_path_of(directory)) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    constexpr int output = 1;
    posix_spawn_file_actions_addopen(&actions_, output, log_.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    posix_spawn_file_actions_adddup2(&actions_, output, output + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
  ~Spawn() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  Result<pid_t> run(const std::vector<std::string>& words, const std::string& run_directory) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
      arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    const std::string own = "MURDER_RUN_DIR=" + run_directory;
    std::vector<char*> environment;
    for (char** each = environ; *each != nullptr; ++each) {
      // It is not the service that the manager watches.
      const bool is_of_service = std::strncmp(*each, "NOTIFY_SOCKET=", 14) == 0 ||
                                 std::strncmp(*each, "WATCHDOG_", 9) == 0 ||
                                 std::strncmp(*each, "MURDER_RUN_DIR=", 15) == 0;
      if (!is_of_service) {
        environment.push_back(*each);
      }
    }
    environment.push_back(const_cast<char*>(own.c_str()));
    environment.push_back(nullptr);
    pid_t pid = -1;
    const int error = posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments.data(),
                                  environment.data());
    if (error != 0) {
      return fail_errno(error, fmt::format("cannot start {}", words[0]));
    }
    return pid;
  }

 private:
  const std::string log_;
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// Whether it ended within that time with 0; killed if it did not end.
bool has_succeeded(pid_t pid) {
  const Fd pid_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{.fd = pid_fd.get(), .events = POLLIN, .revents = 0};
  const int wait_ms = static_cast<int>(limits::copy_start_max / std::chrono::milliseconds(1));
  if (!pid_fd.is_open() || poll(&ended, 1, wait_ms) != 1) {
    kill(pid, SIGKILL);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string last_words(const std::string& directory) {
  constexpr size_t bytes_max = 64 * 1024;
  const Result<std::string> log = read_small_file(log_path_of(directory), bytes_max);
  std::string_view text = log ? std::string_view(*log) : std::string_view();
  text = text.substr(0, text.find_last_not_of('\n') + 1);
  const size_t line = text.rfind('\n');
  text = line == std::string_view::npos ? text : text.substr(line + 1);
  return text.empty() ? "it ended without a word" : printable_value(text.substr(0, 200));
}

}  // namespace

std::string copy_torrent_path(const std::string& directory) {
  return directory + "/release.torrent";
}

Status start_copy(const CopyProgram& program, const std::string& directory) {
  std::vector<std::string> words = {program.program, "peer",         copy_torrent_path(directory),
                                    "--no-unpack",   "--background", "--temp-path",
                                    directory,       "--seed-for",   "3650d"};
  words.insert(words.end(), program.arguments.begin(), program.arguments.end());
  if (Status noted = write_small_file(arguments_path_of(directory), joined(program.arguments));
      !noted) {
    return noted;
  }
  const Result<pid_t> pid = Spawn(directory).run(words, run_directory_of(directory));
  if (!pid) {
    return fail(pid.error());
  }
  return has_succeeded(*pid) ? Status() : fail(ErrorCode::io, last_words(directory));
}

bool has_other_arguments(const CopyProgram& program, const std::string& directory) {
  const Result<std::string> noted =
      read_small_file(arguments_path_of(directory), limits::copy_arguments_bytes_max);
  return noted && *noted != joined(program.arguments);
}

CopyLook look_at_copy(const std::string& directory) {
  CopyLook look;
  const Result<host::RunDirectory> run =
      host::RunDirectory::open_existing(run_directory_of(directory));
  if (!run) {
    return look;
  }
  for (const host::RunningProcess& process : host::list_answering_processes(*run, look_wait_max)) {
    look.is_running = true;
    look.state.copy_bytes = count_member(process.status, "done_bytes");
    look.state.total_bytes = count_member(process.status, "total_bytes");
    const bool is_whole = look.state.copy_bytes == look.state.total_bytes &&
                          text_member(process.status, "phase") == "seeding";
    look.state.phase = is_whole ? CopyPhase::complete : CopyPhase::fetching;
  }
  // One that does not answer may be verifying; a second one would be in its way.
  look.is_running = look.is_running || !run->live_sockets().empty();
  return look;
}

void stop_copy(const std::string& directory) {
  const Result<host::RunDirectory> run =
      host::RunDirectory::open_existing(run_directory_of(directory));
  if (!run) {
    return;
  }
  for (const host::RunningProcess& process : host::list_processes(*run)) {
    static_cast<void>(host::stop_process(*run, process, stop_wait_max));
  }
}

}  // namespace murder::coordinator
