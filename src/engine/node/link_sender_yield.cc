// How a link gives memory of its shard back that its socket does not take, and goes on later. A
// neighbour that does not read must not hold what all others are served from.
#include <poll.h>

#include <utility>

#include "engine/base/ensure.h"
#include "engine/node/peer_link.h"

namespace murder::node {

using swarm::CloseReason;

namespace {

// A socket that takes all of a message within this time is not full. What a link has to read again
// costs a copy from the page cache, so this may be short.
constexpr Duration yields_after = std::chrono::milliseconds(100);
// With zero copy, memory is free once the other side has it; there is no other way to get it back.
constexpr Duration zero_copy_patience = std::chrono::seconds(2);

}  // namespace

void PeerLink::yield_memory(Instant now) {
  const bool waits = send_.in_flight() || writable_.in_flight();
  const Duration waited = now - send_progressed_at_;
  if (!is_active() || !waits || waited < yields_after) {
    return;
  }
  for (SendBatch& batch : batches_) {
    if (batch.state == SendBatch::State::ready) {
      let_go_of_memory(batch);
    }
  }
  if (sending_ == nullptr || sending_->source == SendBatch::Source::file || yielding_ ||
      !can_let_go(*sending_)) {
    return;
  }
  if (!is_zero_copy_) {
    yielding_ = true;
    host_.reactor.cancel(send_);  // send_done goes on
  } else if (waited > zero_copy_patience) {
    host_.work.wants_end(*this, CloseReason::not_reading);
  }
}

// What is sent from memory can be read again, unless it is on its way to the disk.
bool PeerLink::can_let_go(const SendBatch& batch) const {
  return batch.hot_place == UINT32_MAX || host_.pieces.is_on_disk(batch.blocks[0].piece);
}

void PeerLink::let_go_of_memory(SendBatch& batch) {
  if (can_let_go(batch)) {
    release_memory(batch);
  }
}

// After a cancelled send: a part of the message is out, its rest follows when the socket takes it.
void PeerLink::interrupt_send() {
  ENSURE(sending_ != nullptr);
  SendBatch& batch = *std::exchange(sending_, nullptr);
  batch.state = SendBatch::State::ready;
  next_to_send_ ^= 1U;
  let_go_of_memory(batch);
  resuming_ = true;
  host_.reactor.poll(writable_, fd_.get(), POLLOUT);
}

void PeerLink::resume_send() {
  SendBatch& batch = batches_[next_to_send_];
  if (batch.state != SendBatch::State::ready) {
    return;  // it is being read
  }
  if (!batch.has_memory()) {
    if (use_chunk(batch)) {
      read_into_chunk(batch);
    }
    return;
  }
  batch.state = SendBatch::State::sending;
  sending_ = &batch;
  next_to_send_ ^= 1U;
  resuming_ = false;
  uint32_t count = 0;
  if (!control_sending_.empty()) {
    send_segments_[count++] = {control_sending_.data(), control_sending_.size()};
  }
  send_segments(add_batch(batch, count));
}

}  // namespace murder::node
