// The sending half of a link: messages and blocks to the socket.
#include <algorithm>
#include <cerrno>

#include "engine/base/ensure.h"
#include "engine/node/peer_link.h"
#include "engine/node/shard.h"

namespace murder::node {

using swarm::CloseReason;

std::span<uint8_t> PeerLink::append(size_t size_bytes) {
  const size_t before = control_.size();
  if (before + size_bytes > limits::control_queue_bytes_max) {
    return {};
  }
  control_.resize(before + size_bytes);
  return std::span(control_).subspan(before);
}

void PeerLink::flush() {
  if (!open_ || !connected_) {
    return;
  }
  start_batches();
  start_send();
}

void PeerLink::start_batches() {
  while (open_ && !blocks_.empty() && batches_[next_to_fill_].state == SendBatch::State::idle) {
    SendBatch& batch = batches_[next_to_fill_];
    if (!start_batch(batch)) {
      return;  // the shard flushes this link again when a chunk is free
    }
    next_to_fill_ ^= 1U;
  }
}

bool PeerLink::start_batch(SendBatch& batch) {
  const uint32_t chunk = shard_.take_chunk(*this);
  if (chunk == UINT32_MAX) {
    return false;
  }
  const std::span<uint8_t> memory = shard_.chunk(chunk);
  batch.chunk = chunk;
  batch.block_count = 0;
  batch.payload_bytes = 0;
  while (!blocks_.empty() && batch.block_count < SendBatch::block_count_max) {
    const BlockRange& block = blocks_.front();
    const bool follows =
        batch.block_count == 0 || (block.piece == batch.blocks[0].piece &&
                                   block.offset == batch.blocks[0].offset + batch.payload_bytes);
    if (!follows || batch.payload_bytes + block.size_bytes > memory.size()) {
      break;
    }
    codec::encode_message({.type = codec::MessageType::piece,
                           .piece = block.piece,
                           .offset = block.offset,
                           .size_bytes = block.size_bytes},
                          batch.heads[batch.block_count]);
    batch.payload_bytes += block.size_bytes;
    batch.blocks[batch.block_count++] = blocks_.pop();
  }
  ENSURE(batch.block_count > 0);
  batch.state = SendBatch::State::reading;
  batch.transfer.read(
      shard_.geometry().piece_offset(batch.blocks[0].piece) + batch.blocks[0].offset,
      memory.first(batch.payload_bytes));
  return true;
}

void PeerLink::read_done(StoreTransfer& transfer, int error_number) {
  SendBatch& batch = &transfer == &batches_[0].transfer ? batches_[0] : batches_[1];
  if (closing_) {
    settle();
    return;
  }
  if (error_number != 0) {
    shard_.read_failed(error_number);
    end(CloseReason::read_failed);
    return;
  }
  batch.state = SendBatch::State::ready;
  shard_.wants_flush(*this);
}

void PeerLink::start_send() {
  if (send_.in_flight()) {
    return;
  }
  uint32_t count = 0;
  if (!control_.empty()) {
    std::swap(control_, control_sending_);
    send_segments_[count++] = {control_sending_.data(), control_sending_.size()};
  }
  SendBatch& batch = batches_[next_to_send_];
  if (batch.state == SendBatch::State::ready) {
    batch.state = SendBatch::State::sending;
    sending_ = &batch;
    next_to_send_ ^= 1U;
    uint8_t* payload = shard_.chunk(batch.chunk).data();
    for (uint32_t index = 0; index < batch.block_count; ++index) {
      send_segments_[count++] = {batch.heads[index].data(), codec::piece_head_bytes};
      send_segments_[count++] = {payload, batch.blocks[index].size_bytes};
      payload += batch.blocks[index].size_bytes;
    }
  }
  if (count == 0) {
    return;
  }
  send_message_ = {};
  send_message_.msg_iov = send_segments_.data();
  send_message_.msg_iovlen = count;
  shard_.reactor().sendmsg(send_, fd_.get(), &send_message_, MSG_WAITALL);
}

void PeerLink::send_done(io::Operation&, int32_t result, uint32_t) {
  if (closing_) {
    settle();
    return;
  }
  if (result == 0 || (result < 0 && result != -EINTR && result != -EAGAIN)) {
    end(CloseReason::connection_lost);
    return;
  }
  // What a short send left goes out first.
  auto sent = static_cast<size_t>(std::max(result, 0));
  while (send_message_.msg_iovlen > 0 && sent >= send_message_.msg_iov->iov_len) {
    sent -= send_message_.msg_iov->iov_len;
    ++send_message_.msg_iov;
    --send_message_.msg_iovlen;
  }
  if (send_message_.msg_iovlen > 0) {
    send_message_.msg_iov->iov_base = static_cast<uint8_t*>(send_message_.msg_iov->iov_base) + sent;
    send_message_.msg_iov->iov_len -= sent;
    shard_.reactor().sendmsg(send_, fd_.get(), &send_message_, MSG_WAITALL);
    return;
  }
  control_sending_.clear();
  if (sending_ != nullptr) {
    batch_sent();
  }
  shard_.wants_flush(*this);
}

void PeerLink::batch_sent() {
  SendBatch& batch = *sending_;
  sending_ = nullptr;
  shard_.give_chunk_back(batch.chunk);
  batch.chunk = UINT32_MAX;
  batch.state = SendBatch::State::idle;
  for (uint32_t index = 0; index < batch.block_count && !closing_; ++index) {
    shard_.swarm().block_sent(session_, batch.blocks[index].size_bytes, shard_.reactor().now());
  }
}

}  // namespace murder::node
