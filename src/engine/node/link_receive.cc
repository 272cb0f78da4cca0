// How a link receives: what it asks the ring for, and where the swarm hears of what came.
#include <algorithm>
#include <cerrno>

#include "engine/base/ensure.h"
#include "engine/node/peer_link.h"
#include "engine/policy/receive_gathering.h"

namespace murder::node {

using swarm::CloseReason;

bool PeerLink::begin_segments() {
  receiver_.begin_segments();
  if (!receiver_.predicts()) {
    return false;
  }
  std::array<swarm::OutgoingRequest, LinkReceiver::predicted_max> requests;
  const uint32_t count = host_.swarm.expected(session_, requests);
  for (const swarm::OutgoingRequest& request : std::span(requests).first(count)) {
    if (!receiver_.predict(host_.pieces.memory().at(request.buffer, request.block.offset),
                           request.block.size_bytes)) {
      break;
    }
  }
  return true;
}

void PeerLink::arm() {
  if (!is_connected() || recv_.in_flight() || !host_.download.may_pass(*this)) {
    return;
  }
  ENSURE(fd_.is_open());
  if (cipher_ && !hand_over_receiving()) {
    arm_cipher();
    return;
  }
  const bool predicts = begin_segments();
  const uint64_t portion_bytes = host_.download.portion_bytes();
  const std::span<iovec> segments = receiver_.end_segments(portion_bytes);
  ENSURE(!segments.empty());
  recv_message_ = {};
  recv_message_.msg_iov = segments.data();
  recv_message_.msg_iovlen = segments.size();
  if (cipher_) {
    recv_type_.attach(recv_message_);
  }
  set_low_mark(predicts && !cipher_ ? bytes_to_gather(portion_bytes) : 1);
  if (low_mark_bytes_ == 1) {
    host_.reactor.recvmsg(recv_, fd_.get(), &recv_message_);
    return;
  }
  armed_at_ = host_.now();
  host_.reactor.recvmsg_when_readable(recv_, fd_.get(), &recv_message_);
  host_.gathers();
}

// --- bytes that gather at the socket -------------------------------------------------------------

uint32_t PeerLink::bytes_to_gather(uint64_t portion_bytes) const {
  const uint32_t bytes = host_.swarm.bytes_to_gather(session_);
  if (bytes == 1 || bytes > portion_bytes) {
    return 1;
  }
  return policy::gathered_in_buffer(bytes, io::receive_buffer_bytes(fd_.get()));
}

void PeerLink::set_low_mark(uint32_t size_bytes) {
  ENSURE(size_bytes > 0);
  if (size_bytes != low_mark_bytes_) {
    low_mark_bytes_ = size_bytes;
    io::set_receive_low_mark(fd_.get(), size_bytes);
  }
}

bool PeerLink::end_gathering(Instant since) {
  if (low_mark_bytes_ > 1 && recv_.in_flight() && armed_at_ <= since) {
    set_low_mark(1);
  }
  return low_mark_bytes_ > 1 && recv_.in_flight();
}

// --- what came -----------------------------------------------------------------------------------

void PeerLink::recv_done(io::Operation&, int32_t result, uint32_t) {
  ENSURE(!recv_.in_flight());
  if (is_closing()) {
    settle();
    return;
  }
  if (result > 0) {
    host_.download.passed(static_cast<uint64_t>(result));
    if (state_ != State::proving) {
      host_.swarm.bytes_received(session_, static_cast<uint32_t>(result), host_.now());
    }
    if (cipher_ && cipher_->kernel_receives()) {
      read_opened(static_cast<size_t>(result));
    } else if (cipher_) {
      cipher_->received(static_cast<size_t>(result));
      read_cipher();
    } else {
      receiver_.received(static_cast<size_t>(result));
      read_events();
    }
  } else if (result == 0) {
    end(reason_of_end(CloseReason::remote_closed));
  } else if (result != -ECANCELED && result != -EINTR && result != -EAGAIN) {
    end(reason_of_failed_receive(-result));
  }
  if (is_closing()) {
    return;
  }
  receiver_.forget_places();
  answer_disarm();
  host_.work.wants_arm(*this);
}

// --- with TLS ------------------------------------------------------------------------------------

// The kernel gets the cipher's memory alone, never a place of a piece.
void PeerLink::arm_cipher() {
  const std::span<uint8_t> room = cipher_->input_room();
  size_t size = std::min<size_t>(room.size(), host_.download.portion_bytes());
  if (waits_for_record_end()) {
    size = std::min(size, cipher_->missing_bytes());
  }
  recv_segment_ = {room.data(), size};
  recv_message_ = {};
  recv_message_.msg_iov = &recv_segment_;
  recv_message_.msg_iovlen = 1;
  host_.reactor.recvmsg(recv_, fd_.get(), &recv_message_);
}

// What a receive brought, as if the socket had given it: segments are filled until nothing is left.
void PeerLink::read_cipher() {
  if (cipher_->has_output()) {
    host_.work.wants_flush(*this);
  }
  if (cipher_->is_open() && state_ == State::proving) {
    enter(State::handshaking);
    host_.work.wants_flush(*this);
  }
  while (is_connected() && cipher_->is_open()) {
    begin_segments();
    const size_t opened = cipher_->open(receiver_.end_segments(LinkMemory::scratch_bytes));
    if (opened == 0) {
      break;
    }
    receiver_.received(opened);
    read_events();
  }
  if (is_connected()) {
    end_by_cipher();
  }
}

void PeerLink::end_by_cipher() {
  switch (cipher_->state()) {
    case LinkCipher::State::proving:
      return;
    case LinkCipher::State::open:
      if (cipher_->has_output()) {
        host_.work.wants_flush(*this);
      }
      return;
    case LinkCipher::State::refused:
      end(reason_unproven());
      return;
    case LinkCipher::State::ended:
      end(CloseReason::remote_closed);
      return;
    case LinkCipher::State::used_up:
      end(CloseReason::key_used_up);
      return;
    case LinkCipher::State::failed:
      end(CloseReason::changed_on_the_way);
      return;
  }
}

// The swarm may close this link at any of them.
void PeerLink::read_events() {
  using Kind = LinkReceiver::Event::Kind;
  while (is_connected()) {
    const LinkReceiver::Event event = receiver_.next();
    const Instant now = host_.now();
    switch (event.kind) {
      case Kind::none:
        return;
      case Kind::proof:
        take_proof(event.proof);
        break;
      case Kind::handshake:
        enter(State::open);
        host_.swarm.received(session_, event.handshake, now);
        break;
      case Kind::message:
        host_.swarm.received(session_, event.message, now);
        break;
      case Kind::payload_begin: {
        const swarm::PayloadPlace place =
            host_.swarm.payload_begin(session_, event.message.block(), now);
        if (place.wanted) {
          receiver_.place_payload(host_.pieces.memory().at(place.buffer, place.offset));
        }
        break;
      }
      case Kind::payload_end:
        ++host_.counters.received_blocks;
        host_.swarm.payload_end(session_, now);
        break;
      case Kind::failed:
        end(event.reason);
        break;
    }
  }
}

void PeerLink::disarm() {
  disarm_wanted_ = true;
  if (receiver_.fills_places() && recv_.in_flight()) {
    host_.reactor.cancel(recv_);  // recv_done answers
  } else {
    host_.work.wants_disarm(*this);
  }
}

void PeerLink::answer_disarm() {
  if (is_active() && disarm_wanted_ && !(receiver_.fills_places() && recv_.in_flight())) {
    disarm_wanted_ = false;
    host_.swarm.disarmed(session_, host_.now());
  }
}

}  // namespace murder::node
