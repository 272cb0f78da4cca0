#include "engine/node/peer_link.h"

#include <cerrno>

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"

namespace murder::node {

using swarm::CloseReason;

namespace {

// Of this release, and some more, so that one of a wrong length is told from one without end.
constexpr uint32_t bitfield_bytes_spare = 64;

}  // namespace

PeerLink::PeerLink(const LinkHost& host)
    : host_(host),
      connect_(callback<&PeerLink::connect_done>(this)),
      recv_(callback<&PeerLink::recv_done>(this)),
      send_{.message = io::Operation(callback<&PeerLink::send_done>(this)),
            .writable = io::Operation(callback<&PeerLink::became_writable>(this)),
            .reads = {{{host.reactor, host.store, callback<&PeerLink::read_done>(this)},
                       {host.reactor, host.store, callback<&PeerLink::read_done>(this)}}}},
      receiver_(receiver_options()),
      sender_(host, *this, send_) {}

LinkReceiver::Options PeerLink::receiver_options() const {
  return {.bitfield_bytes_max =
              static_cast<uint32_t>(host_.swarm.have().wire_bytes()) + bitfield_bytes_spare,
          .scratch = host_.memory.scratch(),
          .waste = host_.memory.waste()};
}

void PeerLink::enter(State next) {
  constexpr auto follows = [](State from, State to) {
    switch (to) {
      case State::idle:
        return from == State::closing;
      case State::connecting:
        return from == State::idle;
      case State::proving:
        return from == State::idle || from == State::connecting;
      case State::handshaking:
        return from == State::idle || from == State::connecting || from == State::proving;
      case State::open:
        return from == State::handshaking || from == State::proving;
      case State::closing:
        return from != State::idle && from != State::closing;
    }
    return false;
  };
  ENSURE(follows(state_, next));
  state_ = next;
}

// --- the beginning -------------------------------------------------------------------------------

void PeerLink::dial(swarm::SessionId session, const Endpoint& remote) {
  ENSURE(!fd_.is_open() && nothing_in_flight());
  enter(State::connecting);
  session_ = session;
  std::optional<Endpoint> source;
  if (host_.source && host_.source->is_v4() == remote.address.is_v4()) {
    source = Endpoint{*host_.source, 0};
  }
  Result<io::Fd> socket = io::open_tcp(remote, source);
  if (!socket) {
    host_.work.wants_end(*this, CloseReason::dial_failed);
    return;
  }
  fd_ = std::move(*socket);
  address_ = io::SocketAddress::from(remote);
  host_.reactor.connect(connect_, fd_.get(), &address_.storage, address_.size_bytes);
}

void PeerLink::adopt(swarm::SessionId session, io::Fd socket) {
  session_ = session;
  fd_ = std::move(socket);
  io::set_no_delay(fd_.get());
  begin(LinkProof::Role::acceptor);
}

void PeerLink::connect_done(io::Operation&, int32_t result, uint32_t) {
  ENSURE(!connect_.in_flight());
  if (is_closing()) {
    settle();
    return;
  }
  if (result < 0) {
    end(CloseReason::dial_failed);
    return;
  }
  begin(LinkProof::Role::dialler);
  host_.swarm.dialed(session_, host_.now());
}

// --- sending -------------------------------------------------------------------------------------

void PeerLink::flush() {
  if (is_connected()) {
    sender_.flush();
  }
}

void PeerLink::send_done(io::Operation&, int32_t result, uint32_t cqe_flags) {
  sender_.note_result(result, cqe_flags);
  if (send_.message.in_flight()) {
    return;  // zero copy: the memory is read until the notification comes
  }
  if (is_closing()) {
    settle();
  } else {
    sender_.message_done();
  }
}

void PeerLink::became_writable(io::Operation&, int32_t, uint32_t) {
  if (is_closing()) {
    settle();
  } else {
    host_.work.wants_flush(*this);  // an error of the socket shows in the next call
  }
}

void PeerLink::read_done(StoreTransfer& transfer, int error_number) {
  if (is_closing()) {
    settle();
  } else {
    sender_.read_done(transfer, error_number);
  }
}

// --- the end -------------------------------------------------------------------------------------

void PeerLink::end(CloseReason reason) {
  const bool is_others_end =
      reason == CloseReason::remote_closed || reason == CloseReason::connection_lost;
  if (is_others_end && is_key_used_up()) {
    reason = CloseReason::key_used_up;
  }
  host_.swarm.end(session_, reason, host_.now());
  // The swarm may have asked for the end already; a link whose session it does not know ends here.
  close();
}

void PeerLink::close() {
  if (!is_active()) {
    return;
  }
  enter(State::closing);
  if (fd_.is_open()) {
    say_goodbye();
    ::shutdown(fd_.get(), SHUT_RDWR);  // wakes what waits in the kernel
    if (sender_.holds_pages()) {
      io::drop_connection(fd_.get());  // the other side may never take what the pages hold
    }
  }
  host_.reactor.cancel(connect_);
  host_.reactor.cancel(recv_);
  send_.cancel(host_.reactor);
  settle();
}

// So that the other side can tell an end from a cut. What does not fit now is not said.
void PeerLink::say_goodbye() {
  if (!cipher_ || send_.message.in_flight()) {
    return;
  }
  if (cipher_->kernel_sends()) {
    say_goodbye_by_kernel();
    return;
  }
  const std::span<const uint8_t> bytes = cipher_->goodbye();
  if (!bytes.empty()) {
    send_now(bytes);
  }
}

void PeerLink::send_now(std::span<const uint8_t> bytes) {
  ++host_.counters.direct_calls;
  static_cast<void>(::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

bool PeerLink::nothing_in_flight() const {
  return !connect_.in_flight() && !recv_.in_flight() && !send_.in_flight();
}

void PeerLink::settle() {
  if (is_closing() && nothing_in_flight()) {
    host_.work.settled(*this);
  }
}

void PeerLink::finish_close() {
  ENSURE(nothing_in_flight());
  enter(State::idle);
  sender_.release_all();
  if (fd_.is_open()) {
    host_.reactor.close_fd(fd_.release());
  }
  // Links stay, but not the memory that one connection let grow.
  receiver_ = LinkReceiver(receiver_options());
  sender_ = LinkSender(host_, *this, send_);
  proof_.reset();
  cipher_.reset();
  disarm_wanted_ = false;
  low_mark_bytes_ = 1;
  session_ = {};
}

}  // namespace murder::node
