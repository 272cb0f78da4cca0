// The socket by which a service manager is told how a service is, as in sd_notify(3). Nothing of it
// waits: what the manager does not take at once is dropped, or sent again by the caller.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/instant.h"
#include "engine/io/sockets.h"

namespace murder::host {

// What the manager put into the environment of the process.
struct NotifyEnvironment {
  const char* socket = nullptr;         // NOTIFY_SOCKET: "/path", or "@name" in no file system
  const char* watchdog_usec = nullptr;  // WATCHDOG_USEC
  const char* watchdog_pid = nullptr;   // WATCHDOG_PID: whom the watchdog is for
  pid_t own_pid = 0;
};
[[nodiscard]] NotifyEnvironment notify_environment();

// How often the watchdog wants to be told: half of its time. nullopt: it is off, or not for this
// process.
[[nodiscard]] std::optional<Duration> watchdog_interval(const NotifyEnvironment& environment);

class NotifySocket {
 public:
  explicit NotifySocket(const NotifyEnvironment& environment);

  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  // Lines "KEY=VALUE". False when it was not taken now and may be later.
  bool send(std::string_view lines) const;

 private:
  io::Fd socket_;
  io::SocketAddress address_;
};

// A value as one line: what would begin another one is a blank.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace murder::host
