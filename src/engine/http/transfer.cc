#include "engine/http/transfer.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/base/types.h"
#include "engine/http/lookup.h"

namespace murder::http {

Transfer::Transfer(io::Reactor& reactor, Over over, std::string_view url, RequestOptions options)
    : reactor_(reactor),
      over_(over),
      exchange_(Exchange::begin(url, std::move(options))),
      poll_(callback<&Transfer::resolved>(this)),
      connect_(callback<&Transfer::connected>(this)),
      send_(callback<&Transfer::sent>(this)),
      receive_(callback<&Transfer::received>(this)),
      timer_(reactor.timers(), callback<&Transfer::timer_fired>(this)) {
  timer_.arm(reactor_.now());
}

Transfer::~Transfer() {
  if (lookup_ != nullptr) {
    lookup_->release();
  }
  close_socket();
}

void Transfer::abandon() {
  over_ = {};
  let_go();
}

void Transfer::timer_fired(io::Timer&) {
  switch (state_) {
    case State::beginning:
      if (!exchange_) {
        finish(fail(exchange_.error()));
        return;
      }
      deadline_ = reactor_.now() + exchange_->options().timeout;
      connect_to_host();
      return;
    case State::connecting:
      if (reactor_.now() < deadline_) {
        reactor_.cancel(connect_);  // this address had its share of the time: on to the next
        return;
      }
      finish(fail(exchange_->timed_out("connecting")));
      return;
    case State::resolving:
      finish(fail(exchange_->timed_out("looking up the host name")));
      return;
    case State::securing:
      finish(fail(exchange_->timed_out("the TLS handshake")));
      return;
    case State::sending:
    case State::receiving:
      finish(fail(exchange_->timed_out("waiting for the answer")));
      return;
    case State::over:
      return;
  }
}

void Transfer::connect_to_host() {
  if (exchange_->is_local()) {
    state_ = State::connecting;
    timer_.arm(deadline_);
    const Result<io::SocketAddress> address =
        io::SocketAddress::from_unix_path(exchange_->options().unix_socket_path);
    if (!address) {
      finish(fail(address.error()));
      return;
    }
    connect_with(io::open_unix(), *address);
    return;
  }
  const std::optional<IpAddress> numeric = IpAddress::parse(exchange_->url().host);
  if (numeric) {
    connect_to_first_of(std::vector<IpAddress>{*numeric});
  } else {
    resolve();
  }
}

void Transfer::resolve() {
  const Result<Lookup*> lookup = Lookup::start(exchange_->url().host);
  if (!lookup) {
    finish(fail(exchange_->in_context(lookup.error())));
    return;
  }
  state_ = State::resolving;
  timer_.arm(deadline_);
  lookup_ = *lookup;
  reactor_.poll(poll_, lookup_->event_fd(), POLLIN);
}

void Transfer::resolved(io::Operation&, int32_t, uint32_t) {
  if (free_if_quiet()) {
    return;
  }
  Result<std::vector<IpAddress>> addresses = lookup_->result();
  std::exchange(lookup_, nullptr)->release();
  connect_to_first_of(std::move(addresses));
}

void Transfer::connect_to_first_of(Result<std::vector<IpAddress>> addresses) {
  if (addresses) {
    addresses = reachable_from(std::move(*addresses), exchange_->options().bind_address);
  }
  if (!addresses) {
    finish(fail(exchange_->in_context(addresses.error())));
    return;
  }
  addresses_ = std::move(*addresses);
  address_index_ = 0;
  connect_to_next();
}

void Transfer::connect_to_next() {
  state_ = State::connecting;
  const auto left = static_cast<int64_t>(addresses_.size() - address_index_);
  timer_.arm(left > 1 ? reactor_.now() + (deadline_ - reactor_.now()) / left : deadline_);
  const Endpoint destination{addresses_[address_index_++], exchange_->url().port};
  std::optional<Endpoint> source;
  if (exchange_->options().bind_address) {
    source = Endpoint{*exchange_->options().bind_address, 0};
  }
  connect_with(io::open_tcp(destination, source), io::SocketAddress::from(destination));
}

void Transfer::connect_with(Result<io::Fd> fd, const io::SocketAddress& address) {
  if (!fd) {
    finish(fail(exchange_->in_context(fd.error())));
    return;
  }
  close_socket();
  socket_ = std::move(*fd);
  address_ = address;
  reactor_.connect(connect_, socket_.get(), &address_.storage, address_.size_bytes);
}

void Transfer::connected(io::Operation&, int32_t result, uint32_t) {
  if (free_if_quiet()) {
    return;
  }
  if (result < 0) {
    // A cancelled connect took its share of the time.
    connect_failed(result == -ECANCELED ? ETIMEDOUT : -result);
    return;
  }
  local_address_ = io::local_endpoint(socket_.get()).value_or(Endpoint{});
  timer_.arm(deadline_);
  if (!exchange_->is_encrypted()) {
    send_request();
    return;
  }
  Result<tls::ClientStream> stream = exchange_->make_stream();
  if (!stream) {
    finish(fail(stream.error()));
    return;
  }
  stream_ = std::move(*stream);
  state_ = State::securing;
  secure();
}

// The next step of the handshake: what there is to say is said, then the server is heard.
void Transfer::secure() {
  if (stream_->state() == tls::ClientStream::State::failed) {
    finish(fail(exchange_->in_context(stream_->error())));
    return;
  }
  request_ = stream_->take_output();
  sent_bytes_ = 0;
  if (!request_.empty()) {
    send_more();
  } else if (stream_->state() == tls::ClientStream::State::open) {
    send_request();
  } else {
    receive_more();
  }
}

void Transfer::send_request() {
  state_ = State::sending;
  request_ = exchange_->request_bytes();
  if (stream_) {
    stream_->write(as_bytes_of(request_));
    request_ = stream_->take_output();
  }
  sent_bytes_ = 0;
  send_more();
}

void Transfer::connect_failed(int error_number) {
  if (address_index_ < addresses_.size()) {
    connect_to_next();
  } else {
    finish(fail(exchange_->failed_with(error_number, "cannot connect")));
  }
}

void Transfer::send_more() {
  reactor_.send(send_, socket_.get(), as_bytes_of(request_).subspan(sent_bytes_));
}

void Transfer::sent(io::Operation&, int32_t result, uint32_t) {
  if (free_if_quiet()) {
    return;
  }
  if (result > 0) {
    sent_bytes_ += static_cast<uint32_t>(result);
    if (sent_bytes_ < request_.size()) {
      send_more();
      return;
    }
  }
  if (state_ == State::securing && result > 0) {
    secure();
    return;
  }
  // A server may answer and close before it has read all: then its answer says why.
  state_ = state_ == State::securing ? State::securing : State::receiving;
  receive_more();
}

void Transfer::receive_more() {
  reactor_.recv(receive_, socket_.get(), buffer_);
}

void Transfer::received(io::Operation&, int32_t result, uint32_t) {
  if (free_if_quiet()) {
    return;
  }
  if (result < 0) {
    finish(fail(exchange_->failed_with(-result, "cannot receive the answer")));
    return;
  }
  take_received(std::span(buffer_).first(static_cast<size_t>(result)));
}

void Transfer::take_received(std::span<const uint8_t> bytes) {
  if (state_ == State::securing && !bytes.empty()) {
    // Nothing is read of what comes behind the handshake: the request was not sent.
    std::vector<uint8_t> none;
    stream_->take(bytes, none);
    secure();
    return;
  }
  const Status status = stream_ ? exchange_->feed_from(*stream_, bytes) : exchange_->feed(bytes);
  if (!status) {
    finish(fail(exchange_->in_context(status.error())));
  } else if (exchange_->reader().is_done()) {
    reply_read();
  } else {
    receive_more();
  }
}

void Transfer::reply_read() {
  const Result<bool> again = exchange_->follow_redirect();
  if (!again) {
    finish(fail(again.error()));
  } else if (*again) {
    close_socket();
    connect_to_host();
  } else {
    finish(exchange_->take_reply(local_address_));
  }
}

void Transfer::finish(Result<Reply> reply) {
  const Over over = std::exchange(over_, {});
  let_go();
  over(std::move(reply));  // this may be freed now
}

// The end, for both sides: nothing new is started.
void Transfer::let_go() {
  state_ = State::over;
  timer_.cancel();
  reactor_.cancel(poll_);
  reactor_.cancel(connect_);
  reactor_.cancel(send_);
  reactor_.cancel(receive_);
  free_if_quiet();
}

// True when this is over: the caller returns at once, since it may be freed.
bool Transfer::free_if_quiet() {
  if (state_ != State::over) {
    return false;
  }
  if (!poll_.in_flight() && !connect_.in_flight() && !send_.in_flight() && !receive_.in_flight()) {
    delete this;
  }
  return true;
}

void Transfer::close_socket() {
  stream_.reset();
  if (socket_.is_open()) {
    reactor_.close_fd(socket_.release());
  }
}

}  // namespace murder::http
