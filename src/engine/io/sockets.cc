#include "engine/io/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <ctime>

namespace murder::io {
namespace {

void set_flag(int fd, int level, int option) {
  const int one = 1;
  setsockopt(fd, level, option, &one, sizeof one);
}

Result<Fd> open_socket(int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    const int error_number = errno;
    if (error_number == EMFILE || error_number == ENFILE) {
      return fail(ErrorCode::limit,
                  "cannot open a socket: no file descriptor is left; raise it with `ulimit -n`");
    }
    return fail_errno(error_number, "cannot open a socket");
  }
  return Fd(fd);
}

tl::unexpected<Error> bind_error(int error_number, const Endpoint& endpoint,
                                 const std::string& port_option) {
  const std::string port = std::to_string(endpoint.port);
  const std::string address = endpoint.address.text();
  switch (error_number) {
    case EADDRINUSE:
      return fail(ErrorCode::conflict, "port " + port + " on " + address +
                                           " is taken by another process: choose another with " +
                                           port_option);
    case EACCES:
      return fail(ErrorCode::permission, "port " + port + " on " + address +
                                             " needs privileges: choose one above 1023 with " +
                                             port_option);
    case EADDRNOTAVAIL:
      return fail(ErrorCode::network, address + " is not an address of this host");
    default:
      return fail_errno(error_number, "cannot listen on " + endpoint.text());
  }
}

}  // namespace

SocketAddress SocketAddress::from(const Endpoint& endpoint) {
  return from(endpoint, endpoint.address.is_v4() ? AF_INET : AF_INET6);
}

SocketAddress SocketAddress::from(const Endpoint& endpoint, int family) {
  SocketAddress address;
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, endpoint.address.v4_bytes().data(), sizeof v4.sin_addr);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size_bytes = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.address.bytes.data(), sizeof v6.sin6_addr);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size_bytes = sizeof v6;
  }
  return address;
}

Result<SocketAddress> SocketAddress::from_unix_path(const std::string& path) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof local.sun_path ||
      path.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid_input, "the socket path " + path + " has " +
                                              std::to_string(path.size()) +
                                              " bytes; 1 to 107 are possible: use a shorter "
                                              "directory");
  }
  std::memcpy(local.sun_path, path.data(), path.size());
  SocketAddress address;
  std::memcpy(&address.storage, &local, sizeof local);
  address.size_bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

std::optional<Endpoint> endpoint_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return Endpoint{IpAddress::from_v4(bytes), ntohs(v4.sin_port)};
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    std::array<uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return Endpoint{IpAddress::from_v6(bytes), ntohs(v6.sin6_port)};
  }
  return std::nullopt;
}

Result<Fd> listen_tcp(const Endpoint& endpoint, const ListenOptions& options) {
  const SocketAddress address = SocketAddress::from(endpoint);
  Result<Fd> fd = open_socket(address.storage.ss_family);
  if (!fd) {
    if (fd.error().code == ErrorCode::io && !endpoint.address.is_v4()) {
      return fail(ErrorCode::network, "cannot listen on " + endpoint.text() +
                                          ": this host has no IPv6; use an IPv4 address");
    }
    return fd;
  }
  set_flag(fd->get(), SOL_SOCKET, SO_REUSEADDR);
  if (options.reuse_port) {
    set_flag(fd->get(), SOL_SOCKET, SO_REUSEPORT);
  }
  if (!endpoint.address.is_v4()) {
    const int v6_only = options.dual_stack ? 0 : 1;
    setsockopt(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  }
  Duration waited{};
  bool is_bound = false;
  for (;;) {
    is_bound = is_bound || bind(fd->get(), address.get(), address.size_bytes) == 0;
    if (is_bound && listen(fd->get(), options.backlog) == 0) {
      return fd;
    }
    if (errno != EADDRINUSE || waited >= options.patience) {
      return bind_error(errno, endpoint, options.port_option);
    }
    constexpr timespec pause{.tv_sec = 0, .tv_nsec = 50'000'000};
    nanosleep(&pause, nullptr);
    waited += std::chrono::nanoseconds(pause.tv_nsec);
  }
}

Result<Fd> open_tcp(const Endpoint& destination, const std::optional<Endpoint>& source) {
  const bool has_source = source && !source->address.is_unspecified();
  if (has_source && source->address.is_v4() != destination.address.is_v4()) {
    return fail(ErrorCode::invalid_input, "cannot connect to " + destination.text() + " from " +
                                              source->address.text() +
                                              ": one is IPv4, the other IPv6");
  }
  Result<Fd> fd = open_socket(destination.address.is_v4() ? AF_INET : AF_INET6);
  if (!fd) {
    return fd;
  }
  set_no_delay(fd->get());
  if (has_source) {
    if (source->port == 0) {
      // The port is chosen at connect, when the destination is known: 28,000 ports per destination.
      set_flag(fd->get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    }
    const SocketAddress address = SocketAddress::from(*source);
    if (bind(fd->get(), address.get(), address.size_bytes) != 0) {
      return bind_error(errno, *source, "--ip");
    }
  }
  return fd;
}

Result<Fd> open_unix() {
  return open_socket(AF_UNIX);
}

std::optional<Endpoint> local_endpoint(int fd) {
  SocketAddress address;
  address.size_bytes = sizeof address.storage;
  if (getsockname(fd, address.get(), &address.size_bytes) != 0) {
    return std::nullopt;
  }
  return endpoint_of(address.storage);
}

std::optional<Endpoint> peer_endpoint(int fd) {
  SocketAddress address;
  address.size_bytes = sizeof address.storage;
  if (getpeername(fd, address.get(), &address.size_bytes) != 0) {
    return std::nullopt;
  }
  return endpoint_of(address.storage);
}

void set_no_delay(int fd) {
  set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
}

void drop_connection(int fd) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;  // a disconnect, see connect(2)
  (void)::connect(fd, &nobody, sizeof nobody);
}

uint32_t receive_buffer_bytes(int fd) {
  int bytes = 0;
  socklen_t size = sizeof bytes;
  return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size) == 0 && bytes > 0
             ? static_cast<uint32_t>(bytes)
             : 0;
}

void set_receive_low_mark(int fd, uint32_t size_bytes) {
  const int bytes = static_cast<int>(size_bytes);
  setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

int socket_error(int fd) {
  int error_number = 0;
  socklen_t size = sizeof error_number;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &size) != 0) {
    return errno;
  }
  return error_number;
}

}  // namespace murder::io
