#include "engine/http/blocking_client.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/monotonic_clock.h"
#include "engine/base/types.h"
#include "engine/http/exchange.h"
#include "engine/http/lookup.h"
#include "engine/io/sockets.h"

namespace murder::http {
namespace {

// Waits for events on a descriptor. ETIMEDOUT when the deadline came first, 0 when ready.
int wait_for(int fd, short events, Instant deadline) {
  while (true) {
    const Duration left = deadline - monotonic_now();
    if (left <= Duration::zero()) {
      return ETIMEDOUT;
    }
    pollfd item{.fd = fd, .events = events, .revents = 0};
    const timespec timeout{.tv_sec = left.count() / 1'000'000'000,
                           .tv_nsec = left.count() % 1'000'000'000};
    const int result = ppoll(&item, 1, &timeout, nullptr);
    if (result > 0) {
      return 0;
    }
    if (result < 0 && errno != EINTR) {
      return errno;
    }
  }
}

// One connection of an exchange.
class BlockingConnection {
 public:
  BlockingConnection(Exchange& exchange, Instant deadline)
      : exchange_(exchange), deadline_(deadline) {}

  [[nodiscard]] Status run() {
    const Status open = exchange_.is_local() ? connect_local() : connect_to_host();
    if (!open) {
      return open;
    }
    local_address_ = io::local_endpoint(socket_.get()).value_or(Endpoint{});
    if (exchange_.is_encrypted()) {
      if (const Status status = secure(); !status) {
        return status;
      }
    }
    std::string request = exchange_.request_bytes();
    if (stream_) {
      stream_->write(as_bytes_of(request));
      request = stream_->take_output();
    }
    if (const Status status = send_all(request, "sending the request"); !status) {
      return status;
    }
    return read_reply();
  }

  [[nodiscard]] const Endpoint& local_address() const { return local_address_; }

 private:
  Status connect_local() {
    const Result<io::SocketAddress> address =
        io::SocketAddress::from_unix_path(exchange_.options().unix_socket_path);
    if (!address) {
      return fail(address.error());
    }
    return checked(connect_with(io::open_unix(), *address, deadline_));
  }

  Status connect_to_host() {
    Result<std::vector<IpAddress>> addresses = look_up_blocking(exchange_.url().host);
    if (addresses) {
      addresses = reachable_from(std::move(*addresses), exchange_.options().bind_address);
    }
    if (!addresses) {
      return fail(exchange_.in_context(addresses.error()));
    }
    Status status;
    for (size_t index = 0; index < addresses->size(); ++index) {
      const Endpoint destination{(*addresses)[index], exchange_.url().port};
      std::optional<Endpoint> source;
      if (exchange_.options().bind_address) {
        source = Endpoint{*exchange_.options().bind_address, 0};
      }
      const Instant now = monotonic_now();
      const auto left = static_cast<int64_t>(addresses->size() - index);
      status = checked(connect_with(io::open_tcp(destination, source),
                                    io::SocketAddress::from(destination),
                                    now + (deadline_ - now) / left));
      if (status) {
        break;
      }
    }
    return status;
  }

  // An errno value, 0 when connected; or the error of a socket that could not be made.
  Result<int> connect_with(Result<io::Fd> fd, const io::SocketAddress& address, Instant deadline) {
    if (!fd) {
      return fail(exchange_.in_context(fd.error()));
    }
    socket_ = std::move(*fd);
    fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
    if (::connect(socket_.get(), address.get(), address.size_bytes) == 0) {
      return 0;
    }
    if (errno != EINPROGRESS) {
      return errno;
    }
    const int waited = wait_for(socket_.get(), POLLOUT, deadline);
    return waited != 0 ? waited : io::socket_error(socket_.get());
  }

  Status checked(const Result<int>& connected) const {
    if (!connected) {
      return fail(connected.error());
    }
    if (*connected == ETIMEDOUT) {
      return fail(exchange_.timed_out("connecting"));
    }
    if (*connected != 0) {
      return fail(exchange_.failed_with(*connected, "cannot connect"));
    }
    return {};
  }

  Status secure() {
    Result<tls::ClientStream> stream = exchange_.make_stream();
    if (!stream) {
      return fail(stream.error());
    }
    stream_ = std::move(*stream);
    constexpr std::string_view doing = "the TLS handshake";
    while (true) {
      if (stream_->state() == tls::ClientStream::State::failed) {
        return fail(exchange_.in_context(stream_->error()));
      }
      if (const Status status = send_all(stream_->take_output(), doing); !status) {
        return status;
      }
      if (stream_->state() == tls::ClientStream::State::open) {
        return {};
      }
      const Result<std::span<const uint8_t>> bytes = receive(doing);
      if (!bytes) {
        return fail(bytes.error());
      }
      if (bytes->empty()) {
        return fail(exchange_.in_context({ErrorCode::network, "closed in the TLS handshake"}));
      }
      std::vector<uint8_t> none;  // nothing was asked yet
      stream_->take(*bytes, none);
    }
  }

  Status send_all(std::string_view bytes, std::string_view doing) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t size =
          ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (size > 0) {
        sent += static_cast<size_t>(size);
      } else if (errno == EAGAIN) {
        if (wait_for(socket_.get(), POLLOUT, deadline_) != 0) {
          return fail(exchange_.timed_out(doing));
        }
      } else if (errno != EINTR) {
        break;  // the answer, if there is one, says why it was not read to its end
      }
    }
    return {};
  }

  // Nothing: the other side has closed.
  Result<std::span<const uint8_t>> receive(std::string_view doing) {
    while (monotonic_now() < deadline_) {
      const ssize_t size = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
      if (size >= 0) {
        return std::span<const uint8_t>(buffer_).first(static_cast<size_t>(size));
      }
      if (errno == EAGAIN) {
        wait_for(socket_.get(), POLLIN, deadline_);
      } else if (errno != EINTR) {
        return fail(exchange_.failed_with(errno, "cannot receive the answer"));
      }
    }
    return fail(exchange_.timed_out(doing));
  }

  Status read_reply() {
    while (!exchange_.reader().is_done()) {
      const Result<std::span<const uint8_t>> bytes = receive("waiting for the answer");
      if (!bytes) {
        return fail(bytes.error());
      }
      const Status status =
          stream_ ? exchange_.feed_from(*stream_, *bytes) : exchange_.feed(*bytes);
      if (!status) {
        return fail(exchange_.in_context(status.error()));
      }
    }
    return {};
  }

  Exchange& exchange_;
  Instant deadline_;
  io::Fd socket_;
  Endpoint local_address_;
  std::optional<tls::ClientStream> stream_;  // of an https URL
  std::array<uint8_t, 64 * 1024> buffer_;
};

}  // namespace

Result<Reply> blocking_request(std::string_view url, const RequestOptions& options) {
  Result<Exchange> exchange = Exchange::begin(url, options);
  if (!exchange) {
    return fail(exchange.error());
  }
  const Instant deadline = monotonic_now() + options.timeout;
  while (true) {
    BlockingConnection connection(*exchange, deadline);
    if (const Status status = connection.run(); !status) {
      return fail(status.error());
    }
    const Result<bool> again = exchange->follow_redirect();
    if (!again) {
      return fail(again.error());
    }
    if (!*again) {
      return exchange->take_reply(connection.local_address());
    }
  }
}

}  // namespace murder::http
