// The link of an agent to a coordinator: a TCP connection that becomes one of frames
// (control/frame.h) by an HTTP upgrade. It is made again whenever it is lost, until close().
//
//   waiting    the timer is armed -> resolving
//   resolving  a name is looked up -> connecting, waiting
//   connecting -> asking, waiting (after the last address)
//   asking     the handshake of TLS, if it is an https one; GET /control/agent is sent, its answer
//              is read -> greeting, waiting
//   greeting   frames; the coordinator has not sent its challenge, in which a closed fleet's proves
//              the key -> open
//   open       the hello was sent
//   leaving    operations come back -> waiting, closed
//   closed
//
// start_on() begins in greeting, and ends in closed. When whoever passes frames on has lost the
// coordinator, open becomes greeting.
//
// Nothing that is sent here waits: what a coordinator does not take is kept up to a bound. One that
// sends nothing at all for a while is gone, whatever TCP says. On the thread of its reactor.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/coordinator_choice.h"
#include "agent/link_guard.h"
#include "engine/base/endpoint.h"
#include "engine/base/result.h"
#include "engine/control/frame.h"
#include "engine/control/link_messages.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/sockets.h"
#include "engine/io/timers.h"
#include "engine/tls/client_stream.h"
#include "engine/trust/request_token.h"

namespace murder::http {
class Lookup;
}

namespace murder::agent {

class LinkOwner {
 public:
  // The answer to the challenge. An Error ends the connection.
  [[nodiscard]] virtual Result<control::Hello> answer(const control::Challenge& challenge) = 0;
  virtual void link_opened() = 0;
  virtual void link_heard(const control::Wanted& wanted) = 0;
  // What an operator signed, as the coordinator passes it on.
  virtual void link_ordered(std::string_view text) = 0;
  // The deploy that the agent was started for is over.
  virtual void link_ended(const control::Ended& ended) = 0;
  // Once for each attempt or connection that ended.
  virtual void link_lost(const Error& error) = 0;

 protected:
  ~LinkOwner() = default;
};

inline constexpr std::string_view agent_target = "/control/agent";

class CoordinatorLink {
 public:
  CoordinatorLink(io::Reactor& reactor, LinkOwner& owner,
                  std::vector<codec::ServerPlace> coordinators,
                  const std::optional<trust::FleetKeys>& keys, uint64_t seed);
  CoordinatorLink(const CoordinatorLink&) = delete;
  CoordinatorLink& operator=(const CoordinatorLink&) = delete;
  ~CoordinatorLink();

  void start();
  // The same over a connection that is there, and passes frames: when that is lost, it is closed.
  void start_on(io::Fd connected);
  // No further connection. Its operations come back with turns of the reactor: until is_closed().
  void close();
  [[nodiscard]] bool is_closed() const { return state_ == State::closed; }
  [[nodiscard]] bool is_open() const { return state_ == State::open; }
  // A coordinator's port took a connection, whatever came of it.
  [[nodiscard]] bool has_reached() const { return has_reached_; }
  // Where it is connected to, or tries to.
  [[nodiscard]] const codec::ServerPlace& coordinator() const { return choice_.current(); }
  // Of this connection: a report that says nothing new may be said in short.
  [[nodiscard]] bool takes_alive() const { return takes_alive_; }
  // While it is open. Too much that is not sent ends the connection.
  void send(std::string_view text);
  // An URL of the coordinator, with a token where it is closed.
  [[nodiscard]] std::string url_of(std::string_view target) const;

  [[nodiscard]] uint64_t opened_count() const { return opened_count_; }

 private:
  enum class State : uint8_t {
    waiting,
    resolving,
    connecting,
    asking,
    greeting,
    open,
    leaving,
    closed
  };

  void ask_relay();
  [[nodiscard]] bool take_unlinked(std::string_view text);
  [[nodiscard]] bool take_clock(std::string_view body);
  [[nodiscard]] bool is_connected() const {
    return state_ == State::asking || state_ == State::greeting || state_ == State::open;
  }
  void timer_fired(io::Timer& timer);
  void begin();
  void resolved(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void connect_to_next(std::string_view why);
  void connected(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void received(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void sent(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void take_bytes(std::span<const uint8_t> bytes);
  void take_plain(std::span<const uint8_t> bytes);
  void take_answer();
  void refused(uint16_t status, std::string_view body);
  void take_frames();
  void take_message(std::string_view text);
  [[nodiscard]] Status begin_stream();
  void send_more();
  void leave(const Error& error, Duration wait);
  void lose(ErrorCode code, std::string_view why);
  void leave_if_quiet();
  [[nodiscard]] uint64_t coordinator_time() const;
  [[nodiscard]] std::string signed_target(std::string_view target) const;

  io::Reactor& reactor_;
  LinkOwner& owner_;
  CoordinatorChoice choice_;
  std::optional<trust::TokenKeys> tokens_;
  int64_t ahead_s_ = 0;  // the clock of the coordinator, of ours
  State state_ = State::closed;
  bool is_closing_ = false;
  bool has_reached_ = false;
  bool is_given_ = false;    // the connection is all there is
  bool asks_again_ = false;  // by that, when the timer fires
  io::Timer timer_;
  Duration wait_{};  // after leaving
  http::Lookup* lookup_ = nullptr;
  std::vector<IpAddress> addresses_;  // to try
  size_t address_index_ = 0;
  io::SocketAddress address_;
  io::Fd socket_;
  io::Operation lookup_poll_;
  io::Operation connect_;
  io::Operation receive_;
  io::Operation send_;
  std::string asked_target_;
  std::string head_;  // of the answer, as far as it came
  bool is_at_end_ = false;
  std::string unsent_;  // what send_ works on is at its front
  size_t sent_bytes_ = 0;
  std::string waiting_;                      // behind it
  std::optional<tls::ClientStream> stream_;  // of an https one
  control::FrameReader frames_;
  bool takes_alive_ = false;
  std::optional<control::Wanted> wanted_;  // on this connection, the last
  LinkGuard guard_;
  uint64_t opened_count_ = 0;
  std::array<uint8_t, 16 * 1024> buffer_;
};

}  // namespace murder::agent
