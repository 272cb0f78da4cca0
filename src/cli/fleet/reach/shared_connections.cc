#include "cli/fleet/reach/shared_connections.h"

#include <dirent.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "engine/host/run_directory.h"
#include "engine/io/sockets.h"

namespace murder::fleet {
namespace {

constexpr std::string_view directory_prefix = "ssh-";
// A socket address holds 107 bytes; ssh appends a dot and 16 characters while it makes the socket,
// and ours are named h0 to h99999.
constexpr size_t directory_bytes_max = 107 - 17 - sizeof("/h99999");
constexpr int answer_wait_ms = 1000;  // a master that is busy answers late

// Messages of PROTOCOL.mux: a 32-bit length, then 32-bit words, big-endian.
constexpr uint32_t mux_hello = 0x00000001;
constexpr uint32_t mux_terminate = 0x10000005;
constexpr uint32_t mux_version = 4;

template <size_t count>
bool send_words(int fd, const std::array<uint32_t, count>& words) {
  std::array<char, 4 * (count + 1)> bytes{};
  const auto put = [&bytes](size_t place, uint32_t word) {
    for (size_t index = 0; index < 4; ++index) {
      bytes[place * 4 + index] = static_cast<char>(word >> (24 - 8 * index));
    }
  };
  put(0, static_cast<uint32_t>(4 * count));
  for (size_t index = 0; index < count; ++index) {
    put(index + 1, words[index]);
  }
  return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

// Asks the master behind a socket to end. Does not wait for it.
io::Fd ask_to_end(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  io::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (path.size() >= sizeof(address.sun_path) || !fd.is_open()) {
    return {};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      !send_words(fd.get(), std::array{mux_hello, mux_version}) ||
      !send_words(fd.get(), std::array{mux_terminate, uint32_t{0}})) {
    return {};
  }
  return fd;
}

// Until the other side has closed: the master has gone, or is about to.
void wait_for_end(const io::Fd& fd) {
  std::array<char, 256> answer;
  pollfd source{.fd = fd.get(), .events = POLLIN, .revents = 0};
  while (poll(&source, 1, answer_wait_ms) > 0 &&
         recv(fd.get(), answer.data(), answer.size(), 0) > 0) {
  }
}

std::vector<std::string> entries_of(const std::string& directory) {
  std::vector<std::string> names;
  DIR* stream = opendir(directory.c_str());
  if (stream == nullptr) {
    return names;
  }
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  closedir(stream);
  return names;
}

// Ends the masters of a directory of ours and removes it.
void remove_directory(const std::string& directory) {
  const std::vector<std::string> names = entries_of(directory);
  std::vector<io::Fd> asked;
  asked.reserve(names.size());
  for (const std::string& name : names) {
    asked.push_back(ask_to_end(fmt::format("{}/{}", directory, name)));
  }
  for (const io::Fd& fd : asked) {
    if (fd.is_open()) {
      wait_for_end(fd);
    }
  }
  for (const std::string& name : names) {
    unlink(fmt::format("{}/{}", directory, name).c_str());
  }
  rmdir(directory.c_str());
}

// "ssh-123-AbCdEf": 123; -1 for other names.
pid_t pid_of_name(std::string_view name) {
  pid_t pid = -1;
  if (name.starts_with(directory_prefix)) {
    name.remove_prefix(directory_prefix.size());
    std::from_chars(name.data(), name.data() + name.size(), pid);
  }
  return pid;
}

void remove_dead(const std::string& run_directory) {
  for (const std::string& name : entries_of(run_directory)) {
    const pid_t pid = pid_of_name(name);
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) {
      remove_directory(fmt::format("{}/{}", run_directory, name));
    }
  }
}

}  // namespace

Result<SharedConnections> SharedConnections::create(const std::string& run_directory_option) {
  const Result<host::RunDirectory> run_directory = host::RunDirectory::open(run_directory_option);
  if (!run_directory) {
    return fail(run_directory.error());
  }
  remove_dead(run_directory->path());
  const std::string name = fmt::format("{}{}-XXXXXX", directory_prefix, getpid());
  std::string path = fmt::format("{}/{}", run_directory->path(), name);
  if (path.size() > directory_bytes_max) {
    path = fmt::format("/tmp/murder-{}", name);
  }
  if (mkdtemp(path.data()) == nullptr) {
    return fail_errno(errno, fmt::format("{}: no directory for ssh's shared connections can be "
                                         "made (name another with --run-dir)",
                                         path));
  }
  return SharedConnections(path);
}

SharedConnections::SharedConnections(SharedConnections&& other) noexcept
    : directory_(std::exchange(other.directory_, {})) {}

SharedConnections::~SharedConnections() {
  if (!directory_.empty()) {
    remove_directory(directory_);
  }
}

std::string SharedConnections::control_path(HostIndex host) const {
  std::string path;
  for (const char character : directory_) {
    path += character == '%' ? "%%" : std::string(1, character);
  }
  return fmt::format("{}/h{}", path, host.raw);
}

}  // namespace murder::fleet
