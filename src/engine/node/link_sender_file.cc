// Blocks that go from the page cache to the socket. The head of each goes first, with MSG_MORE, so
// that it travels with the payload. A full socket is waited for through the ring.
#include <poll.h>

#include <cerrno>

#include "engine/base/ensure.h"
#include "engine/io/file_send.h"
#include "engine/node/peer_link.h"

namespace murder::node {

using swarm::CloseReason;

// The ring waits on blocking and non-blocking sockets alike; direct calls must not wait.
bool LinkSender::can_splice() {
  if (!is_non_blocking_) {
    is_non_blocking_ = io::set_non_blocking(link_->fd()).has_value();
  }
  return is_non_blocking_;
}

// `prefix_count`: segments that go before the first head.
void LinkSender::start_file(uint32_t prefix_count) {
  ENSURE(link_->sealer() == nullptr);  // it would leave as it is
  enter(Phase::file);
  file_block_ = 0;
  prepare_file_head(prefix_count);
  continue_file();
}

void LinkSender::prepare_file_head(uint32_t prefix_count) {
  ENSURE(file_block_ < sending_->block_count && prefix_count < segments_.size());
  segments_[prefix_count] = {sending_->heads[file_block_].data(), codec::piece_head_bytes};
  message_ = {};
  message_.msg_iov = segments_.data();
  message_.msg_iovlen = prefix_count + 1;
  file_sent_bytes_ = 0;
}

// One batch at most: what follows gets its turn by wants_flush.
void LinkSender::continue_file() {
  ENSURE(sending_ != nullptr && sending_->source == SendBatch::Source::file);
  SendBatch& batch = *sending_;
  while (!operations_->writable.in_flight()) {
    if (message_.msg_iovlen > 0) {
      send_file_head();
    } else if (file_sent_bytes_ < batch.blocks[file_block_].size_bytes) {
      send_file_payload(batch);
    } else if (++file_block_ < batch.block_count) {
      batch.file_offset += batch.blocks[file_block_ - 1].size_bytes;
      prepare_file_head(0);
    } else {
      enter(Phase::idle);
      control_sending_.clear();
      batch_sent();
      host_->work.wants_flush(*link_);
      return;
    }
    if (link_->is_closing()) {
      return;
    }
  }
}

void LinkSender::send_file_head() {
  ++host_->counters.direct_calls;
  const ssize_t sent = ::sendmsg(link_->fd(), &message_, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
  if (sent >= 0) {
    skip_sent(static_cast<size_t>(sent));
  } else {
    file_send_failed(errno);
  }
}

void LinkSender::send_file_payload(SendBatch& batch) {
  ENSURE(batch.file_fd >= 0 && file_sent_bytes_ < batch.blocks[file_block_].size_bytes);
  ++host_->counters.direct_calls;
  const int64_t sent =
      io::send_file(link_->fd(), batch.file_fd, batch.file_offset + file_sent_bytes_,
                    batch.blocks[file_block_].size_bytes - file_sent_bytes_);
  if (sent > 0) {
    file_sent_bytes_ += static_cast<uint32_t>(sent);
  } else if (sent < 0) {
    file_send_failed(static_cast<int>(-sent));
  } else {
    host_->read_failed(ENODATA);  // somebody made the file shorter
    link_->end(CloseReason::read_failed);
  }
}

void LinkSender::file_send_failed(int error_number) {
  if (error_number == EAGAIN) {
    host_->reactor.poll(operations_->writable, link_->fd(), POLLOUT);
  } else if (error_number == EIO) {
    host_->read_failed(error_number);
    link_->end(CloseReason::read_failed);
  } else if (error_number != EINTR) {
    link_->end(CloseReason::connection_lost);
  }
}

}  // namespace murder::node
