// One request of a Client, from the name to the reply. For the sources of this layer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/callback.h"
#include "engine/base/result.h"
#include "engine/http/exchange.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/sockets.h"
#include "engine/io/timers.h"

namespace murder::http {

class Lookup;

// Lives on the heap, on the thread of its reactor; frees itself when it is over and the kernel has
// given everything back. States:
//
//   beginning   the timer brings the first step into a later turn -> resolving, connecting, over
//   resolving   a poll on the lookup is in flight  -> connecting, over
//   connecting  a connect is in flight             -> sending, securing; connecting (next
//                                                     address); over
//   securing    the handshake of TLS: a send or a  -> sending, over
//               receive is in flight
//   sending     a send is in flight                -> receiving, over
//   receiving   a receive is in flight             -> over; resolving or connecting (redirect)
//   over        its end was told or not wanted     -> freed, when nothing is in flight
class Transfer {
 public:
  // What came of it, once; the transfer does not exist any more by then.
  using Over = Callback<void(Result<Reply>)>;

  Transfer(io::Reactor& reactor, Over over, std::string_view url, RequestOptions options);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Nobody wants to hear what comes of it.
  void abandon();

 private:
  enum class State : uint8_t {
    beginning,
    resolving,
    connecting,
    securing,
    sending,
    receiving,
    over
  };

  ~Transfer();
  void connect_to_host();
  void resolve();
  void resolved(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void connect_to_first_of(Result<std::vector<IpAddress>> addresses);
  void connect_to_next();
  void connect_with(Result<io::Fd> fd, const io::SocketAddress& address);
  void connected(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void connect_failed(int error_number);
  void secure();
  void send_request();
  void send_more();
  void sent(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void receive_more();
  void received(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void take_received(std::span<const uint8_t> bytes);
  void reply_read();
  void timer_fired(io::Timer& timer);
  void finish(Result<Reply> reply);
  void let_go();
  bool free_if_quiet();
  void close_socket();

  io::Reactor& reactor_;
  Over over_;
  State state_ = State::beginning;
  Result<Exchange> exchange_;
  Instant deadline_;
  Lookup* lookup_ = nullptr;
  std::vector<IpAddress> addresses_;  // to try
  size_t address_index_ = 0;
  io::SocketAddress address_;
  io::Fd socket_;
  Endpoint local_address_;
  std::optional<tls::ClientStream> stream_;  // of an https URL, while connected
  std::string request_;                      // what is sent, as the socket gets it
  size_t sent_bytes_ = 0;
  io::Operation poll_;
  io::Operation connect_;
  io::Operation send_;
  io::Operation receive_;
  io::Timer timer_;
  std::array<uint8_t, 16 * 1024> buffer_;
};

}  // namespace murder::http
