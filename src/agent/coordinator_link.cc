#include "agent/coordinator_link.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "agent/bounds.h"
#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/base/types.h"
#include "engine/codec/http_head.h"
#include "engine/control/bounds.h"
#include "engine/control/names.h"
#include "engine/http/lookup.h"

namespace murder::agent {
namespace {

constexpr uint16_t status_switching = 101;
constexpr uint16_t status_forbidden = 403;
constexpr uint16_t status_misdirected = 421;

// What was sent and is not acknowledged for this long ends the connection (TCP_USER_TIMEOUT).
void bound_unacknowledged(int fd) {
  const auto time_ms =
      static_cast<unsigned>(limits::agent_link_silence_max / std::chrono::milliseconds(1));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &time_ms, sizeof time_ms);
}

std::string upgrade_request(const std::string& target, const std::string& host) {
  std::string bytes;
  const std::array<codec::HeaderField, 2> fields = {
      {{"Upgrade", "murder-agent/1"}, {"User-Agent", "murder"}}};
  codec::append_request_head(bytes, {.target = target, .host = host, .fields = fields});
  constexpr std::string_view kept = "Connection: keep-alive";
  const size_t place = bytes.find(kept);
  ENSURE(place != std::string::npos);
  return bytes.replace(place, kept.size(), "Connection: Upgrade");
}

}  // namespace

CoordinatorLink::CoordinatorLink(io::Reactor& reactor, LinkOwner& owner,
                                 std::vector<codec::ServerPlace> coordinators,
                                 const std::optional<trust::FleetKeys>& keys, uint64_t seed)
    : reactor_(reactor),
      owner_(owner),
      choice_(std::move(coordinators), seed),
      tokens_(keys ? std::optional<trust::TokenKeys>(*keys) : std::nullopt),
      timer_(reactor.timers(), callback<&CoordinatorLink::timer_fired>(this)),
      lookup_poll_(callback<&CoordinatorLink::resolved>(this)),
      connect_(callback<&CoordinatorLink::connected>(this)),
      receive_(callback<&CoordinatorLink::received>(this)),
      send_(callback<&CoordinatorLink::sent>(this)),
      frames_(limits::control_coordinator_message_bytes_max),
      guard_(keys) {}

CoordinatorLink::~CoordinatorLink() {
  ENSURE(is_closed());
}

void CoordinatorLink::start() {
  ENSURE(is_closed() && !is_closing_);
  state_ = State::waiting;
  timer_.arm(reactor_.now());
}

void CoordinatorLink::close() {
  is_closing_ = true;
  if (state_ == State::waiting) {
    timer_.cancel();
    state_ = State::closed;
  } else if (state_ != State::leaving && state_ != State::closed) {
    leave({ErrorCode::interrupted, "the agent ends"}, Duration::zero());
  }
}

uint64_t CoordinatorLink::coordinator_time() const {
  return static_cast<uint64_t>(std::max<int64_t>(0, std::time(nullptr) + ahead_s_));
}

std::string CoordinatorLink::signed_target(std::string_view target) const {
  return tokens_ ? tokens_->signed_target(target, coordinator_time()) : std::string(target);
}

std::string CoordinatorLink::url_of(std::string_view target) const {
  return coordinator().url(signed_target(target));
}

void CoordinatorLink::timer_fired(io::Timer&) {
  switch (state_) {
    case State::waiting:
      begin();
      return;
    case State::resolving:
      lose(ErrorCode::timeout, "its name was not resolved in time");
      return;
    case State::connecting:
      reactor_.cancel(connect_);  // on to its next address
      return;
    case State::asking:
    case State::greeting:
      if (asks_again_) {
        ask_relay();
      } else {
        lose(ErrorCode::timeout, "no answer in time");
      }
      return;
    case State::open:
      lose(ErrorCode::timeout, "it sent nothing for too long");
      return;
    case State::leaving:
    case State::closed:
      return;
  }
}

void CoordinatorLink::begin() {
  ENSURE(lookup_ == nullptr && !socket_.is_open());
  is_at_end_ = takes_alive_ = false;
  wanted_.reset();
  head_.clear();
  unsent_.clear();
  waiting_.clear();
  sent_bytes_ = 0;
  stream_.reset();
  frames_ =
      control::FrameReader(limits::control_coordinator_message_bytes_max + guard_.surplus_bytes());
  addresses_.clear();
  address_index_ = 0;
  const codec::ServerPlace& place = coordinator();
  if (const std::optional<IpAddress> numeric = IpAddress::parse(place.host)) {
    addresses_ = {*numeric};
    connect_to_next("");
    return;
  }
  const Result<http::Lookup*> lookup = http::Lookup::start(place.host);
  if (!lookup) {
    lose(lookup.error().code, lookup.error().text);
    return;
  }
  state_ = State::resolving;
  lookup_ = *lookup;
  timer_.arm(reactor_.now() + limits::agent_connect_time_max);
  reactor_.poll(lookup_poll_, lookup_->event_fd(), POLLIN);
}

void CoordinatorLink::resolved(io::Operation&, int32_t, uint32_t) {
  if (state_ == State::leaving) {
    leave_if_quiet();
    return;
  }
  const Result<std::vector<IpAddress>> addresses = lookup_->result();
  std::exchange(lookup_, nullptr)->release();
  if (!addresses) {
    lose(addresses.error().code, addresses.error().text);
    return;
  }
  addresses_ = *addresses;
  connect_to_next("");
}

void CoordinatorLink::connect_to_next(std::string_view why) {
  if (address_index_ == addresses_.size()) {
    lose(ErrorCode::network, why);
    return;
  }
  const Endpoint destination{addresses_[address_index_++], coordinator().port};
  Result<io::Fd> fd = io::open_tcp(destination, std::nullopt);
  if (!fd) {
    lose(fd.error().code, fd.error().text);
    return;
  }
  state_ = State::connecting;
  socket_ = std::move(*fd);
  bound_unacknowledged(socket_.get());
  address_ = io::SocketAddress::from(destination);
  timer_.arm(reactor_.now() + limits::agent_connect_time_max);
  reactor_.connect(connect_, socket_.get(), &address_.storage, address_.size_bytes);
}

void CoordinatorLink::connected(io::Operation&, int32_t result, uint32_t) {
  if (state_ == State::leaving) {
    leave_if_quiet();
    return;
  }
  if (result < 0) {
    socket_.reset();
    connect_to_next(result == -ECANCELED
                        ? "cannot connect: timed out"
                        : fmt::format("cannot connect: {}", std::strerror(-result)));
    return;
  }
  has_reached_ = true;
  const Result<std::string> target = guard_.begin(agent_target);
  if (!target) {
    lose(target.error().code, target.error().text);
    return;
  }
  if (Status begun = begin_stream(); !begun) {
    lose(begun.error().code, begun.error().text);
    return;
  }
  state_ = State::asking;
  asked_target_ = signed_target(*target);
  waiting_ = upgrade_request(asked_target_, coordinator().text());
  timer_.arm(reactor_.now() + limits::agent_handshake_time_max);
  send_more();
  reactor_.recv(receive_, socket_.get(), buffer_);
}

void CoordinatorLink::send_more() {
  if (send_.in_flight()) {
    return;
  }
  if (sent_bytes_ == unsent_.size()) {
    sent_bytes_ = 0;
    if (!stream_) {
      unsent_ = std::exchange(waiting_, {});
    } else {
      if (stream_->state() == tls::ClientStream::State::open) {
        stream_->write(as_bytes_of(std::exchange(waiting_, {})));
      }
      unsent_ = stream_->take_output();
    }
  }
  if (!unsent_.empty()) {
    reactor_.send(send_, socket_.get(), as_bytes_of(unsent_).subspan(sent_bytes_));
  }
}

void CoordinatorLink::sent(io::Operation&, int32_t result, uint32_t) {
  if (state_ == State::leaving) {
    leave_if_quiet();
    return;
  }
  if (result <= 0) {
    // What it sent before it closed says why, if it did: the receive tells.
    return;
  }
  sent_bytes_ += static_cast<size_t>(result);
  send_more();
}

void CoordinatorLink::received(io::Operation&, int32_t result, uint32_t) {
  if (state_ == State::leaving) {
    leave_if_quiet();
    return;
  }
  if (result <= 0) {
    is_at_end_ = true;
    if (state_ == State::asking) {
      take_answer();  // one that ends with the connection
    }
    if (is_connected()) {
      lose(ErrorCode::network,
           result == 0 ? std::string("it closed the connection") : std::strerror(-result));
    }
    return;
  }
  take_bytes(std::span<const uint8_t>(buffer_).first(static_cast<size_t>(result)));
  if (is_connected()) {
    reactor_.recv(receive_, socket_.get(), buffer_);
  }
}

void CoordinatorLink::take_answer() {
  const auto answer = codec::parse_response_head(as_bytes_of(head_));
  if (!answer) {
    lose(answer.error().code, "no answer of a coordinator: " + answer.error().text);
    return;
  }
  if (head_.size() > limits::agent_reply_bytes_max) {
    lose(ErrorCode::limit, "its answer is too long");
    return;
  }
  if (!*answer) {
    return;
  }
  const codec::ResponseHead& head = **answer;
  if (head.status != status_switching) {
    const bool is_whole =
        head.body == codec::BodyKind::sized && head_.size() - head.head_bytes >= head.body_bytes;
    if (is_whole || is_at_end_ || head.body == codec::BodyKind::none) {
      refused(head.status, std::string_view(head_).substr(head.head_bytes));
    }
    return;
  }
  state_ = State::greeting;
  const std::string rest = head_.substr(head.head_bytes);
  head_ = {};
  frames_.put(std::as_bytes(std::span(rest)));
  take_frames();
}

void CoordinatorLink::refused(uint16_t status, std::string_view body) {
  const Result<Json> json = parse_json(body);
  const Json known = json && json->is_object() ? *json : Json::object();
  if (status == status_misdirected) {
    const std::string leader = text_member(known, "leader");
    const std::optional<HostPort> place = HostPort::parse(leader, 0);
    if (place && place->port != 0 && control::validate_host(place->host) &&
        !(*place == static_cast<const HostPort&>(coordinator()))) {
      const Error error{ErrorCode::network, fmt::format("{} does not lead, {} does",
                                                        coordinator().text(), place->text())};
      leave(error, choice_.redirected(*place));
      return;
    }
  }
  const bool is_told =
      tokens_ && status == status_forbidden && tokens_->told_time(asked_target_, body).has_value();
  if (is_told) {
    const bool is_news = take_clock(body);
    const Error error{ErrorCode::network, fmt::format("this host's clock differs from the "
                                                      "coordinator's by {} s",
                                                      std::abs(ahead_s_))};
    leave(error, is_news ? Duration::zero() : choice_.failed());
    return;
  }
  const std::string text =
      control::bounded_text(text_member(known, "error", body.substr(0, body.find('\n'))));
  const std::string_view hint = status != status_forbidden ? ""
                                : tokens_ ? "; it does not have this host's fleet key"
                                          : "; this host has no fleet key (/etc/murder/fleet.key)";
  lose(ErrorCode::network,
       fmt::format("HTTP status {}{}{}{}", status, text.empty() ? "" : ": ", text, hint));
}

// Whether the coordinator told its time, and another one than it was thought to be.
bool CoordinatorLink::take_clock(std::string_view body) {
  const std::optional<uint64_t> told =
      tokens_ ? tokens_->told_time(asked_target_, body) : std::nullopt;
  if (!told) {
    return false;
  }
  const int64_t ours = std::time(nullptr);
  const bool is_news = std::abs(static_cast<int64_t>(*told) - ours - ahead_s_) > 1;
  ahead_s_ = static_cast<int64_t>(*told) - ours;
  return is_news;
}

void CoordinatorLink::take_frames() {
  std::string text;
  while (state_ == State::greeting || state_ == State::open) {
    const Result<bool> next = frames_.next(text);
    if (!next) {
      lose(next.error().code, next.error().text);
      return;
    }
    if (!*next) {
      return;
    }
    if (is_given_ && take_unlinked(text)) {
      continue;
    }
    if (!guard_.open(text)) {
      lose(ErrorCode::untrusted, "what came was changed on its way, or is not the coordinator's");
      return;
    }
    take_message(text);
  }
}

void CoordinatorLink::take_message(std::string_view text) {
  Result<control::CoordinatorMessage> message = control::parse_coordinator_message(text);
  if (!message) {
    lose(message.error().code, message.error().text);
    return;
  }
  if (const auto* refusal = std::get_if<control::Refused>(&*message)) {
    lose(ErrorCode::permission, "refused: " + refusal->text);
    return;
  }
  if (const auto* challenge = std::get_if<control::Challenge>(&*message)) {
    if (Status proven = guard_.take(*challenge); !proven) {
      lose(proven.error().code, proven.error().text);
      return;
    }
    const Result<control::Hello> hello = owner_.answer(*challenge);
    if (!hello) {
      lose(hello.error().code, hello.error().text);
      return;
    }
    const bool is_first = state_ == State::greeting;
    state_ = State::open;
    takes_alive_ = challenge->takes_alive;
    timer_.arm(reactor_.now() + limits::agent_link_silence_max);
    send(control::text_of(*hello));
    if (is_first && is_open()) {
      ++opened_count_;
      owner_.link_opened();
    }
    return;
  }
  if (state_ != State::open) {
    return;
  }
  timer_.arm(reactor_.now() + limits::agent_link_silence_max);
  if (auto* wanted = std::get_if<control::Wanted>(&*message)) {
    choice_.succeeded();
    wanted_ = std::move(*wanted);
    owner_.link_heard(*wanted_);
  } else if (const auto* again = std::get_if<control::HeardAgain>(&*message)) {
    if (!wanted_) {
      lose(ErrorCode::invalid_input, "it says that what it wants is as before, and said nothing");
      return;
    }
    wanted_->heard_number = again->heard_number;
    owner_.link_heard(*wanted_);
  } else if (const auto* order = std::get_if<control::OrderMessage>(&*message)) {
    owner_.link_ordered(order->text);
  } else if (const auto* ended = std::get_if<control::Ended>(&*message)) {
    owner_.link_ended(*ended);
  }
}

void CoordinatorLink::send(std::string_view text) {
  ENSURE(is_open());
  if (waiting_.size() + text.size() > limits::agent_unsent_bytes_max) {
    lose(ErrorCode::limit, "it does not take what is sent");
    return;
  }
  std::string message(text);
  guard_.seal(message);
  control::append_frame(waiting_, message);
  send_more();
}

void CoordinatorLink::lose(ErrorCode code, std::string_view why) {
  const Error error{code, fmt::format("coordinator {}: {}", coordinator().text(), why)};
  leave(error, choice_.failed());
}

void CoordinatorLink::leave(const Error& error, Duration wait) {
  ENSURE(state_ != State::leaving && state_ != State::closed);
  state_ = State::leaving;
  wait_ = wait;
  timer_.cancel();
  for (io::Operation* operation : {&lookup_poll_, &connect_, &receive_, &send_}) {
    reactor_.cancel(*operation);
  }
  owner_.link_lost(error);
  leave_if_quiet();
}

void CoordinatorLink::leave_if_quiet() {
  if (lookup_poll_.in_flight() || connect_.in_flight() || receive_.in_flight() ||
      send_.in_flight()) {
    return;
  }
  if (lookup_ != nullptr) {
    std::exchange(lookup_, nullptr)->release();
  }
  socket_.reset();
  if (is_closing_ || is_given_) {
    state_ = State::closed;
    return;
  }
  state_ = State::waiting;
  timer_.arm(reactor_.now() + wait_);
}

}  // namespace murder::agent
