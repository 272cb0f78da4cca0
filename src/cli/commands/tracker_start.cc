#include "cli/commands/tracker_start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <vector>

#include "engine/host/child_process.h"
#include "engine/host/own_program.h"
#include "engine/io/sockets.h"

extern char** environ;

namespace murder::cli {
namespace {

constexpr size_t output_bytes_max = 64 * 1024;
constexpr int output_number = 1;  // standard output

std::vector<std::string> words_of(const TrackerStart& start) {
  std::vector<std::string> words = {host::own_program_path().value_or("murder"),
                                    "tracker",
                                    "--listen",
                                    start.listen,
                                    "--background",
                                    "--quiet",
                                    "--json"};
  if (start.idle_max > Duration::zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(start.idle_max).count();
    words.insert(words.end(), {"--end-when-idle", fmt::format("{}s", seconds)});
  }
  if (!start.state.empty()) {
    words.insert(words.end(), {"--state", start.state});
  }
  if (start.once_for > Duration::zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(start.once_for).count();
    words.insert(words.end(), {"--once-for", fmt::format("{}s", seconds)});
  }
  if (!start.key_lines.empty()) {
    words.insert(words.end(), {"--fleet-key", "/dev/stdin"});
  }
  if (start.deploys_only) {
    words.emplace_back("--deploys-only");
  }
  if (!start.run_directory.empty()) {
    words.insert(words.end(), {"--run-dir", start.run_directory});
  }
  return words;
}

// Its standard output up to its end.
std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  while (true) {
    const ssize_t size = read(fd, part.data(), part.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return text;
    }
    if (text.size() < output_bytes_max) {
      text.append(part.data(), static_cast<size_t>(size));
    }
  }
}

// In memory, and private as a key file has to be: neither a command line nor an environment is.
Result<io::Fd> key_file_of(const TrackerStart& start) {
  if (start.key_lines.empty()) {
    return io::Fd();
  }
  Result<io::Fd> file = host::memory_file(start.key_lines);
  if (file && fchmod(file->get(), S_IRUSR | S_IWUSR) != 0) {
    return fail_errno(errno, "a file in memory cannot be made private");
  }
  return file;
}

}  // namespace

Result<Json> start_tracker(const TrackerStart& start) {
  const Result<io::Fd> keys = key_file_of(start);
  if (!keys) {
    return fail(keys.error());
  }
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return fail_errno(errno, "a pipe cannot be made");
  }
  const io::Fd reading(ends[0]);
  io::Fd writing(ends[1]);
  std::vector<std::string> words = words_of(start);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), output_number);
  if (keys->is_open()) {
    posix_spawn_file_actions_adddup2(&actions, keys->get(), STDIN_FILENO);
  }
  pid_t pid = -1;
  const int error_number =
      posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error_number != 0) {
    return fail_errno(error_number, "the tracker cannot be started");
  }
  writing.reset();
  const std::string output = read_all(reading.get());
  int state = 0;
  while (waitpid(pid, &state, 0) < 0 && errno == EINTR) {
  }
  Result<Json> told = parse_json(output);
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) {
    return told && told->is_object() ? std::move(told) : Result<Json>(Json::object());
  }
  return fail(ErrorCode::io, told ? text_member((*told)["error"], "text", "it did not start")
                                  : "the tracker ended before it listened");
}

}  // namespace murder::cli
