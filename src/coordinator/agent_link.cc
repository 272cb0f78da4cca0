#include "coordinator/agent_link.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/signed_outcome.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/control/message_text.h"
#include "engine/control/names.h"
#include "engine/trust/agent_key.h"

namespace murder::coordinator {
namespace {

// Of one link, before others have their turn.
constexpr int reads_at_once = 16;
constexpr std::string_view upgraded =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: murder-agent/1\r\n\r\n";

uint64_t memory_of(const std::string& text) {
  return text.capacity() > std::string().capacity() ? text.capacity() : 0;
}

std::string plain_frame(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() + control::frame_head_bytes);
  control::append_frame(bytes, text);
  return bytes;
}

}  // namespace

AgentLink::AgentLink(const AgentLinkShared& shared, http::TakenSocket socket,
                     const Endpoint& remote, std::string nonce)
    : ListedConnection(shared.sources.bucket_of(remote.address)),
      shared_(shared),
      fd_(socket.fd.release()),
      remote_(remote),
      secure_(std::move(socket.secure)),
      nonce_(std::move(nonce)),
      reader_(limits::control_agent_message_bytes_max),
      begun_at_(shared.reactor.now()),
      input_since_(shared.reactor.now()),
      output_since_(shared.reactor.now()),
      send_(callback<&AgentLink::sent>(this)) {}

void AgentLink::prove(const trust::Secret& key, std::string_view hello) {
  proof_ =
      trust::link_answer(key, hello, {.nonce = nonce_, .coordinator = shared_.coordinator_name});
  seal_ = std::make_unique<trust::LinkSeal>(key, proof_, trust::LinkSeal::Role::coordinator);
  reader_ = control::FrameReader(limits::control_agent_message_bytes_max + trust::mac_bytes);
}

// Messages are sealed in the order in which they leave.
std::string AgentLink::framed(std::string text) {
  if (seal_ != nullptr) {
    seal_->seal(text);
  }
  return plain_frame(text);
}

void AgentLink::begin(AgentLinkHandle handle, std::span<const uint8_t> early) {
  handle_ = handle;
  send_message(std::string(upgraded) + plain_frame(control::text_of(control::Challenge{
                                           .nonce = nonce_,
                                           .coordinator = shared_.coordinator_name,
                                           .proof = std::exchange(proof_, {}),
                                           .wants_host_proof = shared_.host_keys != nullptr,
                                           .takes_alive = true})));
  if (!early.empty()) {
    take_input(early);
  }
  count_held();
}

void AgentLink::close() {
  if (state_ == State::closing) {
    return;
  }
  state_ = State::closing;
  shared_.owner.closing(*this);
  ENSURE(shared_.held_bytes >= held_bytes_);
  shared_.held_bytes -= std::exchange(held_bytes_, 0);
  shared_.reactor.cancel(send_);
  end_if_quiet();
}

void AgentLink::end_if_quiet() {
  if (!send_.in_flight()) {
    shared_.reactor.close_fd(fd_);
    shared_.owner.ended(*this);
  }
}

void AgentLink::count_held() {
  const uint64_t bytes = input_bytes_ + memory_of(output_);
  shared_.held_bytes += bytes - held_bytes_;
  held_bytes_ = bytes;
}

// --- Reading -------------------------------------------------------------------------------------

void AgentLink::readable(bool is_ended) {
  is_readable_ = true;
  is_at_end_ = is_at_end_ || is_ended;
  read_more();
}

// What is read while it lingers is for nobody. When a buffer is not filled, nothing is left but the
// end.
void AgentLink::read_more() {
  const std::span<uint8_t> buffer = shared_.receive_buffer;
  for (int reads = 0; is_readable_ && reads < reads_at_once; ++reads) {
    const bool is_wanted = state_ == State::greeting || state_ == State::open;
    if ((!is_wanted && state_ != State::lingering) || is_ready_ || is_resting_) {
      return;
    }
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
      is_readable_ = errno == EINTR;
      continue;
    }
    if (size <= 0) {
      close();
      return;
    }
    is_readable_ = is_at_end_ || static_cast<size_t>(size) == buffer.size();
    if (is_wanted) {
      take_bytes(buffer.first(static_cast<size_t>(size)));
      count_held();
    }
    if (secure_ != nullptr && secure_->is_over() && !is_ready_) {
      close();
      return;
    }
  }
}

void AgentLink::take_bytes(std::span<const uint8_t> bytes) {
  if (secure_ == nullptr) {
    take_input(bytes);
    return;
  }
  std::vector<uint8_t> plain;
  secure_->take(bytes, plain);
  if (!plain.empty()) {
    take_input(plain);
  }
}

// The bytes are not looked at before it is heard: a message may be whole or not.
void AgentLink::take_input(std::span<const uint8_t> bytes) {
  if (input_bytes_ == 0) {
    input_since_ = shared_.reactor.now();
  }
  reader_.put(std::as_bytes(bytes));
  input_bytes_ += static_cast<uint32_t>(bytes.size());
  if (!std::exchange(is_ready_, true)) {
    shared_.owner.became_ready(*this);
  }
}

AgentLink::HeardCounts AgentLink::hear(control::Coordinator& machine, control::Moment moment) {
  is_ready_ = false;
  const auto second =
      static_cast<uint32_t>(moment.now.time_since_epoch() / std::chrono::seconds(1));
  message_count_ = std::exchange(second_, second) == second ? message_count_ : uint8_t{0};
  HeardCounts counts;
  std::string text;
  while (state_ == State::greeting || state_ == State::open) {
    if (message_count_ >= limits::agent_messages_per_second) {
      is_resting_ = true;
      shared_.owner.rests(*this);
      break;
    }
    const Result<bool> is_whole = reader_.next(text);
    if (!is_whole) {
      refuse(is_whole.error().text);
      break;
    }
    if (!*is_whole) {
      break;
    }
    ++message_count_;
    ENSURE(input_bytes_ >= control::frame_head_bytes + text.size());
    input_bytes_ -= static_cast<uint32_t>(control::frame_head_bytes + text.size());
    input_since_ = moment.now;
    if (seal_ != nullptr && !seal_->open(text)) {
      close();  // it, or somebody on the path, has not the key: nothing is said
      return counts;
    }
    hear_one(text, machine, moment, counts);
  }
  count_held();
  read_more();
  return counts;
}

void AgentLink::hear_one(std::string_view text, control::Coordinator& machine,
                         control::Moment moment, HeardCounts& counts) {
  Result<control::AgentMessage> message = control::parse_agent_message(text);
  if (!message) {
    refuse(message.error().text);
    return;
  }
  if (const auto* alive = std::get_if<control::Alive>(&*message)) {
    counts.again += hear_alive(alive->number, machine, moment) ? 1 : 0;
  } else if (const auto* hello = std::get_if<control::Hello>(&*message)) {
    hear_hello(*hello, machine, moment);
  } else if (const auto* report = std::get_if<control::Report>(&*message)) {
    counts.reports += hear_report(*report, machine, moment) ? 1 : 0;
  } else if (const auto* outcome = std::get_if<control::OutcomeMessage>(&*message)) {
    hear_outcome(outcome->text, machine, moment);
  } else if (auto* facts = std::get_if<control::Facts>(&*message)) {
    *facts_ = std::move(*facts);
    facts_->version = control::bounded_text(facts_->version);
    if (!is_once_) {
      std::vector<std::string>().swap(facts_->warnings);  // held as long as its connection
      std::string().swap(facts_->keep_trouble);
    }
  }
}

void AgentLink::hear_hello(const control::Hello& hello, control::Coordinator& machine,
                           control::Moment moment) {
  if (state_ != State::greeting) {
    refuse("a second hello on one connection");
    return;
  }
  if (Status valid = control::validate_host(hello.host); !valid) {
    refuse(valid.error().text);
    return;
  }
  const Result<trust::PublicKey> key = trust::verify_hello(
      {.key = hello.key, .signature = hello.signature}, {.nonce = nonce_,
                                                         .coordinator = shared_.coordinator_name,
                                                         .host = hello.host,
                                                         .session = hello.session});
  if (!key) {
    refuse(key.error().text);
    return;
  }
  host_ = hello.host;
  identity_ = trust::fingerprint_of(*key);
  if (shared_.host_keys != nullptr) {
    if (Status proven = shared_.host_keys->check(
            {.host = host_, .agent_key = &*key, .host_proof = hello.host_proof}, moment.wall_s);
        !proven) {
      refuse(proven.error().text);
      return;
    }
    give_name(machine, moment);
  }
  facts_->version = control::bounded_text(hello.version);
  is_once_ = hello.once;
  takes_heard_ = hello.takes_heard;
  std::string().swap(nonce_);
  state_ = State::open;
}

// The host's ssh key speaks for this agent's: whoever had the name has it no more, as after a host
// was made anew.
void AgentLink::give_name(control::Coordinator& machine, control::Moment moment) {
  const std::optional<control::AgentIndex> known = machine.state().find_agent(host_);
  if (known && !machine.state().agent(*known).forgotten &&
      machine.state().agent(*known).identity != identity_) {
    const Status forgotten = machine.forget(host_, "known hosts", moment);
    ENSURE(forgotten.has_value());
  }
}

// A name that the state has is the machine's to judge.
bool AgentLink::is_enrolled(const control::State& state) {
  if (shared_.approvals == nullptr) {
    return true;
  }
  const std::optional<control::AgentIndex> known = state.find_agent(host_);
  return (known && !state.agent(*known).forgotten) || shared_.approvals->come(host_, identity_);
}

void AgentLink::hear_outcome(std::string_view text, control::Coordinator& machine,
                             control::Moment moment) {
  if (state_ != State::open || !agent_) {
    return;
  }
  if (const std::optional<SignedOutcome> outcome = read_signed_outcome(text, host_, identity_)) {
    machine.prove(*agent_, outcome->app, outcome->attempt, outcome->kind, text, moment);
  }
}

bool AgentLink::hear_report(const control::Report& report, control::Coordinator& machine,
                            control::Moment moment) {
  if (state_ != State::open) {
    refuse("a report before the hello");
    return false;
  }
  if (report.host != host_) {
    refuse(fmt::format("a report of another host than the hello: {}",
                       control::bounded_text(report.host)));
    return false;
  }
  if (!is_enrolled(machine.state())) {
    refuse(
        fmt::format("{} waits to be approved by an operator, with the key {}", host_, identity_));
    return false;
  }
  if (Status heard = machine.hear(report, identity_, moment); !heard) {
    refuse(heard.error().text);
    return false;
  }
  if (!agent_) {
    agent_ = machine.state().find_agent(host_);
    ENSURE(agent_);
    is_proven_ = true;
    shared_.owner.named(*this);
  }
  return true;
}

// Where nothing has changed since it was told all, a word does.
bool AgentLink::hear_alive(uint64_t number, control::Coordinator& machine, control::Moment moment) {
  if (state_ != State::open || !agent_ ||
      !machine.hear_again(*agent_, told_greeting_, number, moment)) {
    refuse("no report is known that could still hold: connect again");
    return false;
  }
  if (takes_heard_ && told_sequence_ == machine.state().sequence && !send_.in_flight()) {
    send_message(framed(control::text_of(control::HeardAgain{.heard_number = number})));
  } else {
    shared_.owner.wants_telling(*this);
  }
  return true;
}

// --- Sending -------------------------------------------------------------------------------------

void AgentLink::tell(const control::Wanted& wanted, const control::OrdersDue& due) {
  if (state_ != State::open) {
    return;
  }
  if (send_.in_flight()) {
    is_outdated_ = true;
    return;
  }
  std::string bytes;
  for (const control::Order* order : due.orders) {
    bytes += framed(control::text_of(control::OrderMessage{order->text.text}));
  }
  told_orders_ = due.told;
  told_sequence_ = wanted.revision;
  told_greeting_ = wanted.greeting;
  const std::string last = framed(control::text_of(wanted));
  send_message(bytes.empty() ? last : bytes + last);
  count_held();
}

void AgentLink::refuse(std::string_view text) {
  if (state_ != State::greeting && state_ != State::open) {
    return;
  }
  state_ = State::refusing;
  const std::string frame =
      framed(control::text_of(control::Refused{.text = control::bounded_text(text)}));
  if (send_.in_flight()) {
    // What is being sent stays where it is; what waits behind it was sealed before this.
    next_ += frame;
  } else {
    send_message(frame);
  }
  count_held();
}

void AgentLink::end(const control::Ended& ended) {
  if (!is_once() || std::exchange(is_told_end_, true)) {
    return;
  }
  std::string frame = framed(control::text_of(ended));
  if (send_.in_flight()) {
    next_ = std::move(frame);
  } else {
    send_message(std::move(frame));
  }
  count_held();
}

void AgentLink::send_message(std::string bytes) {
  ENSURE(!send_.in_flight());
  if (secure_ == nullptr) {
    output_ = std::move(bytes);
  } else if (secure_->state() != tls::ServerStream::State::failed) {
    secure_->write(as_bytes_of(bytes));
    output_ = secure_->take_output();
  }
  sent_bytes_ = 0;
  output_since_ = shared_.reactor.now();
  send_more();
}

void AgentLink::send_more() {
  shared_.reactor.send(send_, fd_, as_bytes_of(std::string_view(output_).substr(sent_bytes_)));
}

void AgentLink::sent(io::Operation&, int32_t result, uint32_t) {
  if (state_ == State::closing) {
    end_if_quiet();
    return;
  }
  if (result <= 0) {
    close();
    return;
  }
  sent_bytes_ += static_cast<size_t>(result);
  if (sent_bytes_ < output_.size()) {
    send_more();
    return;
  }
  std::string().swap(output_);
  if (!next_.empty()) {
    send_message(std::exchange(next_, {}));
  } else if (state_ == State::refusing) {
    state_ = State::lingering;
    is_ready_ = is_resting_ = false;
    ::shutdown(fd_, SHUT_WR);
    count_held();
    read_more();
    return;
  } else if (std::exchange(is_outdated_, false)) {
    shared_.owner.wants_telling(*this);
  }
  count_held();
}

void AgentLink::wake() {
  if (std::exchange(is_resting_, false) && input_bytes_ > 0 && !std::exchange(is_ready_, true)) {
    shared_.owner.became_ready(*this);
  }
  read_more();
}

void AgentLink::check(Instant now) {
  const bool is_mute =
      state_ == State::greeting && !is_ready_ && now - begun_at_ > limits::agent_hello_timeout;
  const bool is_idle = !is_proven_ && !is_ready_ && now - begun_at_ > limits::agent_report_timeout;
  const bool is_cut = input_bytes_ > 0 && !is_ready_ && !is_resting_ &&
                      now - input_since_ > limits::agent_message_timeout;
  const bool is_silent = !is_ready_ && now - input_since_ > limits::agent_silence_max;
  const bool is_stuck = (send_.in_flight() || state_ == State::lingering) &&
                        now - output_since_ > limits::agent_message_timeout;
  if (is_mute || is_idle || is_cut || is_silent || is_stuck) {
    close();
  }
}

}  // namespace murder::coordinator
