#include "engine/host/service/notify_socket.h"

#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "engine/host/bounds.h"

namespace murder::host {
namespace {

std::optional<uint64_t> number_of(const char* text) {
  if (text == nullptr) {
    return std::nullopt;
  }
  const std::string_view digits(text);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || digits.empty() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return number;
}

// Other forms (vsock: of a virtual machine's manager) are not for processes within it.
bool make_address(std::string_view name, io::SocketAddress& address) {
  sockaddr_un unix_address{};
  const bool is_abstract = name.starts_with('@');
  if ((!is_abstract && !name.starts_with('/')) || name.size() < 2 ||
      name.size() >= sizeof unix_address.sun_path) {
    return false;
  }
  unix_address.sun_family = AF_UNIX;
  std::memcpy(unix_address.sun_path, name.data(), name.size());
  if (is_abstract) {
    unix_address.sun_path[0] = '\0';
  }
  std::memcpy(&address.storage, &unix_address, sizeof unix_address);
  // Of an abstract name every byte counts; a path ends with a zero.
  address.size_bytes =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1));
  return true;
}

}  // namespace

NotifyEnvironment notify_environment() {
  return {.socket = std::getenv("NOTIFY_SOCKET"),
          .watchdog_usec = std::getenv("WATCHDOG_USEC"),
          .watchdog_pid = std::getenv("WATCHDOG_PID"),
          .own_pid = getpid()};
}

std::optional<Duration> watchdog_interval(const NotifyEnvironment& environment) {
  const std::optional<uint64_t> microseconds = number_of(environment.watchdog_usec);
  if (environment.socket == nullptr || !microseconds || *microseconds < 2) {
    return std::nullopt;
  }
  if (environment.watchdog_pid != nullptr &&
      number_of(environment.watchdog_pid) != static_cast<uint64_t>(environment.own_pid)) {
    return std::nullopt;
  }
  constexpr uint64_t most = std::chrono::microseconds(std::chrono::hours(24)).count();
  return std::chrono::microseconds(std::min(*microseconds, most) / 2);
}

NotifySocket::NotifySocket(const NotifyEnvironment& environment) {
  if (environment.socket == nullptr || !make_address(environment.socket, address_)) {
    return;
  }
  socket_ = io::Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool NotifySocket::send(std::string_view lines) const {
  if (!socket_.is_open()) {
    return true;
  }
  lines = lines.substr(0, limits::notification_bytes_max);
  const ssize_t sent = sendto(socket_.get(), lines.data(), lines.size(),
                              MSG_DONTWAIT | MSG_NOSIGNAL, address_.get(), address_.size_bytes);
  // A manager that is not there now (it executes itself anew at an upgrade) is there again later.
  return sent >= 0 || (errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED &&
                       errno != ENOENT && errno != EINTR && errno != ENOMEM);
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char each) { return each == '\n' || each == '\r' || each == 0; },
      ' ');
  return line;
}

}  // namespace murder::host
