#include "engine/node/link_sender.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/io/file_send.h"
#include "engine/node/peer_link.h"
#include "engine/swarm/bounds.h"

namespace murder::node {

using swarm::CloseReason;

namespace {

// Each block costs two system calls, against a copy. Measured to pay from 128 KiB on; smaller
// blocks were not measured.
constexpr uint32_t splice_block_bytes_min = 64 * 1024;

}  // namespace

LinkSender::LinkSender(const LinkHost& host, PeerLink& link, Operations& operations)
    : host_(&host), link_(&link), operations_(&operations), blocks_(limits::send_window_blocks) {}

void LinkSender::enter(Phase next) {
  constexpr auto follows = [](Phase from, Phase to) {
    switch (to) {
      case Phase::idle:
        return from == Phase::message || from == Phase::yielding || from == Phase::file;
      case Phase::message:
        return from == Phase::idle || from == Phase::resuming;
      case Phase::yielding:
        return from == Phase::message;
      case Phase::resuming:
        return from == Phase::yielding;
      case Phase::file:
        return from == Phase::idle;
    }
    return false;
  };
  ENSURE(follows(phase_, next));
  phase_ = next;
}

std::span<uint8_t> LinkSender::append(size_t size_bytes) {
  const size_t before = control_.size();
  if (before + size_bytes > host_->control_bytes_max()) {
    return {};
  }
  control_.resize(before + size_bytes);
  return std::span(control_).subspan(before);
}

void LinkSender::flush() {
  if (may_send_data()) {
    start_batches();
  }
  if (!link_->is_active()) {
    return;  // a read failed at once
  }
  switch (phase_) {
    case Phase::idle:
      start_message();
      return;
    case Phase::message:
    case Phase::yielding:
      return;
    case Phase::resuming:
      resume();
      return;
    case Phase::file:
      continue_file();
      return;
  }
}

// --- batches -------------------------------------------------------------------------------------

void LinkSender::start_batches() {
  // A socket that was full is waited for first: until then the next batch would hold memory for
  // nothing.
  while (link_->is_active() && phase_ != Phase::resuming && !blocks_.empty() &&
         batches_[next_to_fill_].state == SendBatch::State::idle) {
    if (!host_->upload.may_pass(*link_) || !start_batch(batches_[next_to_fill_])) {
      return;  // the shard flushes this link again when there is room
    }
    next_to_fill_ ^= 1U;
  }
}

// The blocks at the head of the queue that lie side by side, as many as fit.
LinkSender::Run LinkSender::front_run() const {
  ENSURE(!blocks_.empty());
  const BlockRange& first = blocks_.at(0);
  const auto bytes_max = static_cast<uint32_t>(
      std::min<uint64_t>(LinkMemory::chunk_bytes, host_->upload.portion_bytes()));
  Run run{.block_count = 1, .size_bytes = first.size_bytes, .smallest_bytes = first.size_bytes};
  while (run.block_count < std::min(blocks_.size(), SendBatch::block_count_max)) {
    const BlockRange& block = blocks_.at(run.block_count);
    if (block.piece != first.piece || block.offset != first.offset + run.size_bytes ||
        run.size_bytes + block.size_bytes > bytes_max) {
      break;
    }
    ++run.block_count;
    run.size_bytes += block.size_bytes;
    run.smallest_bytes = std::min(run.smallest_bytes, block.size_bytes);
  }
  return run;
}

bool LinkSender::start_batch(SendBatch& batch) {
  ENSURE(batch.state == SendBatch::State::idle && !batch.holds_anything());
  const Run run = front_run();
  const BlockRange first = blocks_.at(0);
  const uint64_t offset = host_->release_offset(first);
  if (!use_hot_piece(batch, first) && !use_file(batch, run, offset) && !use_chunk(batch)) {
    return false;
  }
  batch.block_count = 0;
  batch.payload_bytes = 0;
  while (batch.block_count < run.block_count) {
    const BlockRange block = blocks_.pop();
    codec::encode_message({.type = codec::MessageType::piece,
                           .piece = block.piece,
                           .offset = block.offset,
                           .size_bytes = block.size_bytes},
                          batch.heads[batch.block_count]);
    batch.payload_bytes += block.size_bytes;
    batch.blocks[batch.block_count++] = block;
  }
  host_->upload.passed(batch.payload_bytes);
  batch.state = SendBatch::State::ready;
  if (batch.source == SendBatch::Source::chunk) {
    read_into_chunk(batch);
  }
  return true;
}

void LinkSender::read_into_chunk(SendBatch& batch) {
  ENSURE(batch.source == SendBatch::Source::chunk && batch.chunk != UINT32_MAX);
  batch.state = SendBatch::State::reading;
  operations_->reads[&batch - batches_.data()].read(
      host_->release_offset(batch.blocks[0]),
      host_->memory.chunk(batch.chunk).first(batch.payload_bytes));
}

bool LinkSender::use_hot_piece(SendBatch& batch, const BlockRange& first) {
  const PieceMemory& pieces = host_->pieces.memory();
  const std::optional<uint32_t> place = host_->send_path == SendPath::splice
                                            ? pieces.find_unstored(first.piece)
                                            : pieces.find(first.piece);
  if (!place) {
    return false;
  }
  host_->pieces.memory().pin(*place);
  batch.source = SendBatch::Source::hot;
  batch.hot_place = *place;
  batch.payload = host_->pieces.memory().place(*place) + first.offset;
  return true;
}

// What would wait for the disk is read through the ring instead, and is in the cache from then on.
bool LinkSender::use_file(SendBatch& batch, const Run& run, uint64_t offset) {
  const SendPath path = host_->send_path;
  const bool wanted = path == SendPath::splice ||
                      (path == SendPath::automatic && run.smallest_bytes >= splice_block_bytes_min);
  if (!wanted || link_->sealer() != nullptr || !can_splice()) {
    return false;
  }
  const StoreSegment segment = host_->store.segment_at(offset, run.size_bytes);
  if (segment.is_padding || segment.size_bytes < run.size_bytes) {
    return false;
  }
  const int fd = host_->store.acquire_open(segment.file_index);
  if (fd < 0) {
    return false;  // reading into a chunk opens it
  }
  if (!io::is_cached(fd, segment.offset, run.size_bytes)) {
    host_->store.release(segment.file_index);
    return false;
  }
  batch.source = SendBatch::Source::file;
  batch.file_index = segment.file_index;
  batch.file_fd = fd;
  batch.file_offset = segment.offset;
  return true;
}

bool LinkSender::use_chunk(SendBatch& batch) {
  ENSURE(!batch.holds_anything());
  batch.chunk = host_->memory.take_chunk(*link_);
  if (batch.chunk == UINT32_MAX) {
    return false;
  }
  batch.source = SendBatch::Source::chunk;
  batch.payload = host_->memory.chunk(batch.chunk).data();
  return true;
}

void LinkSender::read_done(const StoreTransfer& transfer, int error_number) {
  SendBatch& batch = batches_[&transfer - operations_->reads.data()];
  ENSURE(batch.state == SendBatch::State::reading);
  if (error_number != 0) {
    host_->read_failed(error_number);
    link_->end(CloseReason::read_failed);
    return;
  }
  batch.state = SendBatch::State::ready;
  host_->work.wants_flush(*link_);
}

void LinkSender::release_memory(SendBatch& batch) {
  if (batch.chunk != UINT32_MAX) {
    host_->memory.release_chunk(batch.chunk);
    batch.chunk = UINT32_MAX;
  }
  if (batch.hot_place != UINT32_MAX) {
    host_->pieces.memory().unpin(batch.hot_place);
    batch.hot_place = UINT32_MAX;
  }
}

void LinkSender::release(SendBatch& batch) {
  ENSURE(!operations_->reads[&batch - batches_.data()].in_flight());
  release_memory(batch);
  if (batch.file_index != UINT32_MAX) {
    host_->store.release(batch.file_index);
    batch.file_index = UINT32_MAX;
  }
  batch.state = SendBatch::State::idle;
}

void LinkSender::release_all() {
  ENSURE(!operations_->in_flight());
  for (SendBatch& batch : batches_) {
    release(batch);
  }
}

void LinkSender::count_sent(const SendBatch& batch) {
  IoCounters& counters = host_->counters;
  counters.sent_blocks += batch.block_count;
  switch (batch.source) {
    case SendBatch::Source::chunk:
      counters.sent_read_bytes += batch.payload_bytes;
      return;
    case SendBatch::Source::hot:
      counters.sent_memory_bytes += batch.payload_bytes;
      return;
    case SendBatch::Source::file:
      counters.sent_splice_bytes += batch.payload_bytes;
      return;
  }
}

void LinkSender::batch_sent() {
  ENSURE(sending_ != nullptr && sending_->state == SendBatch::State::sending);
  SendBatch& batch = *sending_;
  sending_ = nullptr;
  count_sent(batch);
  release(batch);
  for (uint32_t index = 0; index < batch.block_count && !link_->is_closing(); ++index) {
    host_->swarm.block_sent(link_->session(), batch.blocks[index].size_bytes, host_->now());
  }
  link_->note_sent(batch.payload_bytes);
}

// --- messages ------------------------------------------------------------------------------------

// Segments from `count` on; how many there are then.
uint32_t LinkSender::add_batch(SendBatch& batch, uint32_t count) {
  ENSURE(batch.payload != nullptr && count + 2 * batch.block_count <= segments_.size());
  auto* payload = const_cast<uint8_t*>(batch.payload);  // as iovec wants it
  for (uint32_t index = 0; index < batch.block_count; ++index) {
    segments_[count++] = {batch.heads[index].data(), codec::piece_head_bytes};
    segments_[count++] = {payload, batch.blocks[index].size_bytes};
    payload += batch.blocks[index].size_bytes;
  }
  return count;
}

void LinkSender::start_message() {
  ENSURE(phase_ == Phase::idle && sending_ == nullptr);
  uint32_t count = 0;
  link_->hand_over_sending();
  if (!may_send_data()) {
    start_records_alone();
    return;
  }
  if (!control_.empty()) {
    std::swap(control_, control_sending_);
    segments_[count++] = {control_sending_.data(), control_sending_.size()};
  }
  SendBatch& batch = batches_[next_to_send_];
  if (batch.state == SendBatch::State::ready && !batch.has_memory() && use_chunk(batch)) {
    read_into_chunk(batch);
  }
  if (batch.state == SendBatch::State::ready && batch.has_memory()) {
    batch.state = SendBatch::State::sending;
    sending_ = &batch;
    next_to_send_ ^= 1U;
    progressed_at_ = host_->now();
    if (batch.source == SendBatch::Source::file) {
      start_file(count);
      return;
    }
    count = add_batch(batch, count);
  }
  if (count > 0) {
    enter(Phase::message);
    message_sent_bytes_ = 0;
    send_segments(count);
  } else {
    start_records_alone();
  }
}

void LinkSender::send_segments(uint32_t count) {
  ENSURE(count > 0 && count <= segments_.size());
  message_ = {};
  message_.msg_iov = segments_.data();
  message_.msg_iovlen = count;
  skip_sent(message_sent_bytes_);
  progressed_at_ = host_->now();
  send_rest();
}

void LinkSender::send_rest() {
  if (LinkCipher* const cipher = link_->sealer(); cipher != nullptr) {
    send_records(*cipher);
    return;
  }
  const bool seals_in_kernel = link_->cipher() != nullptr;  // which knows neither flag
  is_zero_copy_ = sending_ != nullptr && host_->send_path == SendPath::zero_copy &&
                  host_->reactor.features().sendmsg_zero_copy && !seals_in_kernel;
  if (is_zero_copy_) {
    host_->reactor.sendmsg_zero_copy(operations_->message, link_->fd(), &message_, MSG_WAITALL);
  } else {
    host_->reactor.sendmsg(operations_->message, link_->fd(), &message_,
                           seals_in_kernel ? 0 : MSG_WAITALL);
  }
}

void LinkSender::skip_sent(size_t sent) {
  while (message_.msg_iovlen > 0 && sent >= message_.msg_iov->iov_len) {
    sent -= message_.msg_iov->iov_len;
    ++message_.msg_iov;
    --message_.msg_iovlen;
  }
  ENSURE(message_.msg_iovlen > 0 || sent == 0);
  if (message_.msg_iovlen > 0) {
    message_.msg_iov->iov_base = static_cast<uint8_t*>(message_.msg_iov->iov_base) + sent;
    message_.msg_iov->iov_len -= sent;
  }
}

void LinkSender::note_result(int32_t result, uint32_t cqe_flags) {
  const bool is_notification = (cqe_flags & io::cqe_notification) != 0;
  if (!is_notification) {
    result_ = result;
  }
}

void LinkSender::message_done() {
  ENSURE(!operations_->message.in_flight());
  const bool yielded = phase_ == Phase::yielding;
  const bool continues =
      result_ > 0 || result_ == -EINTR || result_ == -EAGAIN || (yielded && result_ == -ECANCELED);
  if (!continues) {
    link_->end(CloseReason::connection_lost);
    return;
  }
  // What a short send left goes out first.
  const auto sent_bytes = static_cast<size_t>(std::max(result_, 0));
  if (LinkCipher* const cipher = link_->sealer(); cipher != nullptr) {
    cipher->sent(sent_bytes);
  } else {
    skip_sent(sent_bytes);
    message_sent_bytes_ += sent_bytes;
  }
  if (!is_out()) {
    if (yielded) {
      interrupt();
    } else {
      progressed_at_ = sent_bytes > 0 ? host_->now() : progressed_at_;
      send_rest();
    }
    return;
  }
  enter(Phase::idle);
  control_sending_.clear();
  if (sending_ != nullptr) {
    batch_sent();
  }
  host_->work.wants_flush(*link_);
}

}  // namespace murder::node
