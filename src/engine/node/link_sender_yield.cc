// How a link gives memory of its shard back that its socket does not take, and continues later. A
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

void LinkSender::yield_memory(Instant now) {
  const bool waits = operations_->message.in_flight() || operations_->writable.in_flight();
  const Duration waited = now - progressed_at_;
  if (!link_->is_active() || !waits || waited < yields_after) {
    return;
  }
  for (SendBatch& batch : batches_) {
    if (batch.state == SendBatch::State::ready && can_release(batch)) {
      release_memory(batch);
    }
  }
  if (phase_ != Phase::message || sending_ == nullptr || !can_release(*sending_)) {
    return;
  }
  if (!is_zero_copy_) {
    enter(Phase::yielding);
    host_->reactor.cancel(operations_->message);  // message_done() continues
  } else if (waited > zero_copy_patience) {
    host_->work.wants_end(*link_, CloseReason::not_reading);
  }
}

// What is sent from memory can be read again, unless it is on its way to the disk.
bool LinkSender::can_release(const SendBatch& batch) const {
  ENSURE(batch.block_count > 0);
  return batch.hot_place == UINT32_MAX || host_->pieces.is_on_disk(batch.blocks[0].piece);
}

// After a cancelled send: a part of the message is out, its rest follows when the socket takes it.
void LinkSender::interrupt() {
  ENSURE(sending_ != nullptr);
  SendBatch& batch = *std::exchange(sending_, nullptr);
  batch.state = SendBatch::State::ready;
  next_to_send_ ^= 1U;
  if (can_release(batch)) {
    release_memory(batch);
  }
  enter(Phase::resuming);
  host_->reactor.poll(operations_->writable, link_->fd(), POLLOUT);
}

void LinkSender::resume() {
  ENSURE(phase_ == Phase::resuming && sending_ == nullptr);
  SendBatch& batch = batches_[next_to_send_];
  if (operations_->writable.in_flight() || batch.state != SendBatch::State::ready) {
    return;  // the socket is full, or the batch is being read
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
  enter(Phase::message);
  uint32_t count = 0;
  if (!control_sending_.empty()) {
    segments_[count++] = {control_sending_.data(), control_sending_.size()};
  }
  send_segments(add_batch(batch, count));
}

}  // namespace murder::node
