// One agent's connection, taken over from the tracker's HTTP server. For the sources of this layer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "coordinator/bounds.h"
#include "coordinator/host_keys.h"
#include "engine/base/endpoint.h"
#include "engine/base/fd.h"
#include "engine/base/slab.h"
#include "engine/control/coordinator.h"
#include "engine/control/frame.h"
#include "engine/control/link_messages.h"
#include "engine/control/orders.h"
#include "engine/http/connection_list.h"
#include "engine/http/handler.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/trust/enrolment.h"
#include "engine/trust/link_proof.h"

namespace murder::coordinator {

class AgentLink;
using AgentLinkHandle = Handle<AgentLink>;

class AgentLinkOwner {
 public:
  // A message waits to be heard, or what comes next cannot be read.
  virtual void became_ready(AgentLink& link) = 0;
  // It is known which agent it is.
  virtual void named(AgentLink& link) = 0;
  // It sent too many messages: to be woken in the next second.
  virtual void rests(AgentLink& link) = 0;
  // The agent is to be told again what is wanted.
  virtual void wants_telling(AgentLink& link) = 0;
  // It ends, and its place may be given to another.
  virtual void closing(AgentLink& link) = 0;
  // Nothing of it is in flight any more: free it. The link does not touch itself after this.
  virtual void ended(AgentLink& link) = 0;

 protected:
  ~AgentLinkOwner() = default;
};

// What the links of a coordinator share.
struct AgentLinkShared {
  io::Reactor& reactor;
  std::span<uint8_t> receive_buffer;  // of whichever is being read
  AgentLinkOwner& owner;
  const std::string& coordinator_name;
  trust::Approvals* approvals;  // nullptr: whoever comes first with a name has it
  HostKeys* host_keys;          // nullptr: hosts need not be proven by them
  uint64_t& held_bytes;         // of messages that are not whole or not sent, of all links
  http::SourceCounts& sources;  // of links that are not closing
};

// Belongs to its AgentLinks. States:
//
//   greeting  the challenge was sent; the agent has not said who it is -> open, refusing, closing
//   open      reports are heard, what is wanted is told                -> refusing, closing
//   refusing  why it is refused is being sent                          -> lingering, closing
//   lingering what still comes is read to its end, so that the agent gets to see that  -> closing
//   closing   operations are being cancelled                           -> ended
//
// It reads nothing while a message waits to be heard, and has one message on its way to the agent
// at most: when that is out, the newest is made. An idle link holds no buffer, and has nothing in
// flight: its owner watches the socket. Times are looked at by check(), now and then.
//
// What reads may be the last that is done with a link: it may end.
class AgentLink : public http::ListedConnection {
 public:
  AgentLink(const AgentLinkShared& shared, http::TakenSocket socket, const Endpoint& remote,
            std::string nonce);
  // In a closed fleet, before begin(): the key is proven in the challenge, and each message has a
  // MAC from then on. `hello` is the agent's, which was made by `key`.
  void prove(const trust::Secret& key, std::string_view hello);
  AgentLink(const AgentLink&) = delete;
  AgentLink& operator=(const AgentLink&) = delete;

  // Sends the answer to the upgrade and the challenge. `early`: what came behind the request.
  void begin(AgentLinkHandle handle, std::span<const uint8_t> early);
  // There is something to be read. `is_ended`: also the end, or an error.
  void readable(bool is_ended);

  // The messages that are here, when it became ready.
  struct HeardCounts {
    uint32_t reports = 0;  // that the machine heard
    uint32_t again = 0;    // of agents with nothing new to report
  };
  HeardCounts hear(control::Coordinator& machine, control::Moment moment);
  // `due`: what it does not know of orders, as of told_orders().
  void tell(const control::Wanted& wanted, const control::OrdersDue& due);
  [[nodiscard]] control::OrdersTold told_orders() const { return told_orders_; }
  // Sends why, then closes.
  void refuse(std::string_view text);
  // Tells an agent that was started for a deploy that this is over, once; it closes when it has
  // ended. Others are not told.
  void end(const control::Ended& ended);
  void close();
  // Goes on where it was too fast.
  void wake();
  // Closes what is too slow.
  void check(Instant now);

  [[nodiscard]] AgentLinkHandle handle() const { return handle_; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::optional<control::AgentIndex> agent() const { return agent_; }
  // The machine that gave the number is gone.
  void forget_agent() {
    agent_.reset();
    told_orders_ = {};
    told_sequence_ = 0;
  }
  // A report of it was heard, of whatever machine.
  [[nodiscard]] bool is_proven() const { return is_proven_; }
  [[nodiscard]] http::SourceCounts::Bucket source() const { return bucket(); }
  [[nodiscard]] const control::Facts& facts() const { return *facts_; }
  [[nodiscard]] uint64_t held_bytes() const { return held_bytes_; }
  [[nodiscard]] Instant begun_at() const { return begun_at_; }
  [[nodiscard]] bool is_closing() const { return state_ == State::closing; }
  // It has said that it was started for a deploy, and is connected.
  [[nodiscard]] bool is_once() const { return is_once_ && state_ == State::open; }

 private:
  enum class State : uint8_t { greeting, open, refusing, lingering, closing };

  void sent(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void take_bytes(std::span<const uint8_t> bytes);
  void take_input(std::span<const uint8_t> bytes);
  void hear_one(std::string_view text, control::Coordinator& machine, control::Moment moment,
                HeardCounts& counts);
  void hear_hello(const control::Hello& hello, control::Coordinator& machine,
                  control::Moment moment);
  void hear_outcome(std::string_view text, control::Coordinator& machine, control::Moment moment);
  void give_name(control::Coordinator& machine, control::Moment moment);
  [[nodiscard]] bool is_enrolled(const control::State& state);
  bool hear_report(const control::Report& report, control::Coordinator& machine,
                   control::Moment moment);
  bool hear_alive(uint64_t number, control::Coordinator& machine, control::Moment moment);
  void read_more();
  void send_message(std::string bytes);
  [[nodiscard]] std::string framed(std::string text);
  void send_more();
  void count_held();
  void end_if_quiet();

  const AgentLinkShared& shared_;
  int fd_;
  State state_ = State::greeting;
  bool is_readable_ = false;   // there may be something to be read
  bool is_at_end_ = false;     // the end is among it
  bool is_ready_ = false;      // a message waits to be heard; nothing is read
  bool is_resting_ = false;    // it sent too many; nothing is read until the next second
  bool is_proven_ = false;     // a report was heard
  bool is_outdated_ = false;   // what it is being sent is not the latest
  bool is_once_ = false;       // the agent was started for a deploy
  bool is_told_end_ = false;   // that this is over
  bool takes_heard_ = false;   // the agent does
  uint8_t message_count_ = 0;  // of this second
  uint32_t second_ = 0;        // that message_count_ is of
  uint32_t input_bytes_ = 0;   // of the message that is not whole
  uint64_t held_bytes_ = 0;    // as counted last
  Endpoint remote_;
  AgentLinkHandle handle_;
  std::unique_ptr<tls::ServerStream> secure_;  // nullptr: the link is not encrypted
  std::unique_ptr<trust::LinkSeal> seal_;      // nullptr: of an open fleet
  std::string nonce_;                          // until it has said who it is
  std::string proof_;                          // until it is sent
  std::string host_;
  std::string identity_;
  std::unique_ptr<control::Facts> facts_ = std::make_unique<control::Facts>();
  control::OrdersTold told_orders_;
  uint64_t told_sequence_ = 0;  // of the state that the agent was told last; 0: it was told nothing
  control::Greeting told_greeting_;
  std::optional<control::AgentIndex> agent_;
  control::FrameReader reader_;
  std::string output_;
  size_t sent_bytes_ = 0;
  std::string next_;  // to be sent when output_ is: a refusal, or that the deploy is over
  Instant begun_at_;
  Instant input_since_;  // since when there is a part of a message, or nothing came
  Instant output_since_;
  io::Operation send_;
};

static_assert(limits::agent_messages_per_second < UINT8_MAX);
static_assert(sizeof(AgentLink) <= 512, "a coordinator has 15,000 of them");

}  // namespace murder::coordinator
