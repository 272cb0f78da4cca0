// Sockets as the reactor wants them: close-on-exec, and blocking (the ring does the waiting).
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/endpoint.h"
#include "engine/base/result.h"

namespace murder::io {

// Owns a descriptor and closes it; movable. For set-up and tear-down, not for what the ring still
// uses.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

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

struct ListenOptions {
  int backlog = 4096;
  bool reuse_port = false;  // several sockets (shards) on one port; the kernel spreads connections
  bool dual_stack = true;   // a listener on :: takes IPv4 as well
  std::string port_option = "--port";  // named in the error when the port is taken
};

// Port 0: any free one; see local_endpoint(). Errors say what to do.
[[nodiscard]] Result<Fd> listen_tcp(const Endpoint& endpoint, const ListenOptions& options);

// Listens on a path, readable and writable by the owner only. A socket file nobody listens on any
// more is replaced; one that answers is a conflict.
[[nodiscard]] Result<Fd> listen_unix(const std::string& path);

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
// Kernel buffers; the kernel doubles and bounds them (net.core.rmem_max). 0 leaves them as they
// are.
void set_buffer_sizes(int fd, uint32_t receive_bytes, uint32_t send_bytes);
// Of the socket now (SO_RCVBUF); 0 when it cannot be said. The kernel lets it grow.
[[nodiscard]] uint32_t receive_buffer_bytes(int fd);
// How many bytes make the socket readable (SO_RCVLOWAT). A lower mark takes effect at once for who
// waits already.
void set_receive_low_mark(int fd, uint32_t size_bytes);
// The error a non-blocking connect ended with (SO_ERROR), 0 when none.
[[nodiscard]] int socket_error(int fd);

}  // namespace murder::io
