// Sockets as the reactor wants them: close-on-exec, and blocking (the ring does the waiting).
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/endpoint.h"
#include "engine/base/fd.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder::io {

using murder::Fd;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size_bytes = 0;

  [[nodiscard]] static SocketAddress from(const Endpoint& endpoint);
  // For a socket of this family: an IPv4 endpoint becomes a mapped address on AF_INET6.
  [[nodiscard]] static SocketAddress from(const Endpoint& endpoint, int family);
  // Errors: longer than the kernel takes (107 bytes).
  [[nodiscard]] static Result<SocketAddress> from_unix_path(const std::string& path);
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// nullopt when it is not an internet address.
[[nodiscard]] std::optional<Endpoint> endpoint_of(const sockaddr_storage& address);

// For a port that the user named: the kernel closes the sockets of a process that was killed with a
// ring some time after its end (Linux 5.10 to 6.18), and who starts again at once finds the port
// taken.
inline constexpr Duration port_patience = std::chrono::seconds(2);

struct ListenOptions {
  int backlog = 4096;
  bool reuse_port = false;  // several sockets (shards) on one port; the kernel spreads connections
  bool dual_stack = true;   // a listener on :: takes IPv4 as well
  std::string port_option = "--port";  // named in the error when the port is taken
  Duration patience{};                 // how long a port that is taken is waited for, blocking
};

// Port 0: any free one; see local_endpoint(). Errors say what to do.
[[nodiscard]] Result<Fd> listen_tcp(const Endpoint& endpoint, const ListenOptions& options);

// A TCP socket for connecting to `destination`, with TCP_NODELAY, bound to `source` if given (port
// 0: any; an unspecified address: none).
[[nodiscard]] Result<Fd> open_tcp(const Endpoint& destination,
                                  const std::optional<Endpoint>& source);
[[nodiscard]] Result<Fd> open_unix();

[[nodiscard]] std::optional<Endpoint> local_endpoint(int fd);
[[nodiscard]] std::optional<Endpoint> peer_endpoint(int fd);
void set_no_delay(int fd);
// Ends a TCP connection at once and forgets what was not sent or acknowledged.
void drop_connection(int fd);
// Of the socket now (SO_RCVBUF); 0 when it cannot be said. The kernel lets it grow.
[[nodiscard]] uint32_t receive_buffer_bytes(int fd);
// How many bytes make the socket readable (SO_RCVLOWAT). A lower mark takes effect at once for who
// waits already.
void set_receive_low_mark(int fd, uint32_t size_bytes);
// The error a non-blocking connect ended with (SO_ERROR), 0 when none.
[[nodiscard]] int socket_error(int fd);

}  // namespace murder::io
