// One connection of the HTTP server. For the sources of this layer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/base/endpoint.h"
#include "engine/base/slab.h"
#include "engine/codec/http_head.h"
#include "engine/http/connection_list.h"
#include "engine/http/handler.h"
#include "engine/http/secure_side.h"
#include "engine/http/server_options.h"
#include "engine/io/buffer_ring.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"

namespace murder::http {

// Bytes of requests that are not whole and answers that are not sent.
struct HeldBytes {
  uint64_t all = 0;
  uint64_t going = 0;  // of them those of connections that are closing
};

// What the connections of a server share, and whom they tell.
struct ConnectionShared {
  io::Reactor& reactor;
  io::BufferRing& buffers;
  Handler& handler;
  const ServerOptions& options;
  ServerCounters& counters;
  HeldBytes& held;
  SourceCounts& sources;
  const std::optional<tls::ServerContext>& certificate;  // none: connections are not encrypted
};

class Connection;

class ConnectionOwner {
 public:
  // It waits for a request with nothing in hand, and may be closed to make room for another.
  virtual void idle_began(Connection& connection) = 0;
  // It has something in hand, and may be closed when that is too much together with all others.
  virtual void busy_began(Connection& connection) = 0;
  // It is neither any more.
  virtual void closing(Connection& connection) = 0;
  // Its socket is the handler's from now on; its place stays taken.
  virtual void gave_place_away() = 0;
  // What it holds changed. The connection does not touch itself after this.
  virtual void held_changed() = 0;
  // Nothing of it is in flight any more: free it. The connection does not touch itself after this.
  virtual void ended(Connection& connection) = 0;

 protected:
  ~ConnectionOwner() = default;
};

// Belongs to its server. States:
//
//   reading    a receive is in flight          -> sending, when a request was answered; waiting
//   waiting    the handler wants to be asked again, or answers later; a timer is armed
//                                              -> reading, sending, waiting
//   sending    a send is in flight             -> reading, waiting, lingering or closing, when it
//                                                 is out
//   lingering  refused input is read to its end, so that the client gets to see the answer
//                                              -> closing
//   closing    operations are being cancelled  -> ended, when none is in flight
//
// Of an encrypted one the handshake is a part of reading and sending, and takes as long as a
// request may. Any state goes to closing when the client goes, a timeout passes, or the server
// stops. Memory: a request that did not arrive at once (head and body are bounded), answers not yet
// sent, and what TLS takes.
class Connection : public ListedConnection {
 public:
  using SlabHandle = Handle<Connection>;

  Connection(ConnectionOwner& owner, const ConnectionShared& shared, int fd, const Endpoint& remote,
             bool is_local_socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Starts reading. `handle` is kept for the owner.
  void begin(SlabHandle handle);
  void close();
  [[nodiscard]] SlabHandle handle() const { return handle_; }
  [[nodiscard]] static SlabHandle handle_of(uint64_t ticket) {
    return {.slot = static_cast<uint32_t>(ticket >> 32U),
            .generation = static_cast<uint32_t>(ticket)};
  }
  // A request waits for its answer, and its client has not gone.
  [[nodiscard]] bool awaits_answer() const;
  // To the request that waits for it; ignored when none does.
  void answer_late(const Response& response);

 private:
  enum class State : uint8_t { reading, waiting, sending, lingering, closing };

  void received(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void sent(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void timed_out(io::Timer& timer);

  void take_bytes(std::span<const uint8_t> bytes);
  void take_sealed(std::span<const uint8_t> bytes);
  bool begin_secure(uint8_t first_byte);
  [[nodiscard]] bool is_shaking_hands() const;
  [[nodiscard]] bool is_cut_off() const;
  [[nodiscard]] uint64_t secure_memory() const;
  void send_sealed();
  void take_input(std::span<const uint8_t> bytes);
  [[nodiscard]] bool worth_parsing(size_t size_before) const;
  size_t answer_requests(std::span<const uint8_t> input);
  size_t answer_one(std::span<const uint8_t> input);
  bool refuse_body(const codec::RequestHead& head, uint64_t body_bytes);
  bool answer(const codec::RequestHead& head, std::span<const uint8_t> body,
              std::span<const uint8_t> rest);
  [[nodiscard]] Request request_of(const codec::RequestHead& head, std::span<const uint8_t> body);
  void hand_over(const Request& request, std::span<const uint8_t> rest);
  void append_late();
  void refuse(int status, const Error& error);
  void refuse_crowded();
  void append_response(const Response& response, bool with_body, bool keep_alive);
  [[nodiscard]] std::string_view plain_rest() const;
  [[nodiscard]] size_t unsent_bytes() const;
  void go_on();
  void settle();
  void ask_again();
  void send_more();
  void read_more();
  void set_idle(bool idle);
  void count_held();
  void end_if_quiet();

  ConnectionOwner& owner_;
  const ConnectionShared& shared_;
  int fd_;
  State state_ = State::reading;
  bool is_local_socket_;
  bool is_encrypted_;
  bool idle_ = false;       // else busy
  bool answering_ = false;  // within Handler::handle()
  bool close_after_send_ = false;
  bool linger_after_send_ = false;
  bool wants_to_wait_ = false;  // the request at the start of input_
  bool has_waited_ = false;     // likewise
  bool awaits_late_ = false;    // the answer to the last request comes later
  bool late_has_body_ = false;
  bool late_keeps_alive_ = false;
  Endpoint remote_;
  Endpoint local_;  // asked for with the first request
  SlabHandle handle_;
  std::string input_;  // what arrived of requests not answered yet
  size_t wanted_bytes_ =
      0;  // parsing input_ again before it has these makes no sense; 0: not known
  size_t parsed_bytes_ = 0;  // of input_, when a head in it was found incomplete
  std::string output_;
  SharedBody shared_body_;   // goes out after output_
  size_t sent_bytes_ = 0;    // of both
  uint64_t held_bytes_ = 0;  // as counted last
  std::unique_ptr<SecureSide> secure_;
  std::unique_ptr<Response> late_;  // came while others were being sent
  io::Operation receive_;
  io::Operation send_;
  io::Timer timer_;
  Instant ask_again_at_;
};

static_assert(sizeof(Connection) <= 448, "a tracker has 20,000 of them");

}  // namespace murder::http
