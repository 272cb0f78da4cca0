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
      connect_(io::bind_operation<&PeerLink::connect_done>(this)),
      recv_(io::bind_operation<&PeerLink::recv_done>(this)),
      send_(io::bind_operation<&PeerLink::send_done>(this)),
      writable_(io::bind_operation<&PeerLink::became_writable>(this)),
      receiver_(receiver_options()),
      blocks_(limits::send_window_blocks),
      batches_{{{host.reactor, host.store, bind_transfer<&PeerLink::read_done>(this)},
                {host.reactor, host.store, bind_transfer<&PeerLink::read_done>(this)}}} {}

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
      case State::handshaking:
        return from == State::idle || from == State::connecting;
      case State::open:
        return from == State::handshaking;
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
  enter(State::handshaking);
  session_ = session;
  fd_ = std::move(socket);
  io::set_no_delay(fd_.get());
  host_.work.wants_arm(*this);
}

void PeerLink::connect_done(io::Operation&, int32_t result, uint32_t) {
  if (is_closing()) {
    settle();
    return;
  }
  if (result < 0) {
    end(CloseReason::dial_failed);
    return;
  }
  enter(State::handshaking);
  host_.swarm.dialed(session_, host_.now());
  host_.work.wants_arm(*this);
}

// --- the end -------------------------------------------------------------------------------------

void PeerLink::end(CloseReason reason) {
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
    ::shutdown(fd_.get(), SHUT_RDWR);  // wakes what waits in the kernel
    if (is_zero_copy_ && send_.in_flight()) {
      io::drop_connection(fd_.get());  // the other side may never take what the pages hold
    }
  }
  host_.reactor.cancel(connect_);
  host_.reactor.cancel(recv_);
  host_.reactor.cancel(send_);
  host_.reactor.cancel(writable_);
  settle();
}

bool PeerLink::nothing_in_flight() const {
  return !connect_.in_flight() && !recv_.in_flight() && !send_.in_flight() &&
         !writable_.in_flight() && !batches_[0].transfer.in_flight() &&
         !batches_[1].transfer.in_flight();
}

void PeerLink::settle() {
  if (is_closing() && nothing_in_flight()) {
    host_.work.settled(*this);
  }
}

void PeerLink::finish_close() {
  ENSURE(nothing_in_flight());
  enter(State::idle);
  for (SendBatch& batch : batches_) {
    let_go(batch);
  }
  if (fd_.is_open()) {
    host_.reactor.close_fd(fd_.release());
  }
  receiver_ = LinkReceiver(receiver_options());
  disarm_wanted_ = false;
  low_mark_bytes_ = 1;
  // Links stay: what one connection let queue up is not kept for the next. (To assign {} would keep
  // the memory.)
  control_ = std::vector<uint8_t>();
  control_sending_ = std::vector<uint8_t>();
  blocks_.clear();
  next_to_fill_ = 0;
  next_to_send_ = 0;
  sending_ = nullptr;
  message_sent_bytes_ = 0;
  yielding_ = false;
  resuming_ = false;
  is_zero_copy_ = false;
  is_non_blocking_ = false;
  session_ = {};
}

}  // namespace murder::node
