// The sending half of a link: what leaves next, and from where.
//
// Small messages are gathered in a buffer. Blocks leave in batches, runs of one piece, two batches
// at a time: from a piece that is still in memory, from the page cache (link_sender_file.cc), or
// read into a chunk while the other batch is sent. From memory they leave with their heads in one
// sendmsg.
//
// phase     what it is                                               becomes
// idle      nothing is being sent                                    message, file
// message   a sendmsg is in flight                                   idle, yielding
// yielding  it is cancelled, since others wait for its memory        idle, resuming
// resuming  a part of a message is out, and its rest goes first,     message
//           once the socket takes data and the batch has memory
// file      a batch leaves from the page cache                       idle
//
// With TLS (link_sender_records.cc) a message is sealed in parts, each when the one before it is
// out; nothing leaves from the page cache. What is sealed is as good as sent: after a cancelled
// send its rest is the first to leave. Where the kernel seals, sending is as without TLS, and stops
// between two batches when the key is used up.
//
// Bounded by: one send or wait for the socket, two reads in flight; control_queue_bytes_max;
// send_window_bytes (kept by the swarm). A fresh one is assigned when the connection ends.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/ring_queue.h"
#include "engine/base/types.h"
#include "engine/io/operation.h"
#include "engine/node/link_host.h"
#include "engine/node/send_batch.h"
#include "engine/node/store_transfer.h"

namespace murder::node {

class LinkCipher;
class PeerLink;

class LinkSender {
 public:
  // What the kernel may hold of a sender. Outlives each sender of a link, whose handlers call
  // message_done() and so on.
  struct Operations {
    io::Operation message;
    io::Operation writable;
    std::array<StoreTransfer, 2> reads;  // of the batches

    [[nodiscard]] bool in_flight() const {
      return message.in_flight() || writable.in_flight() || reads[0].in_flight() ||
             reads[1].in_flight();
    }
    // Reads are waited for.
    void cancel(io::Reactor& reactor) {
      reactor.cancel(message);
      reactor.cancel(writable);
    }
  };

  LinkSender(const LinkHost& host, PeerLink& link, Operations& operations);
  LinkSender(const LinkSender&) = delete;
  LinkSender& operator=(const LinkSender&) = delete;
  // Of a fresh one only: a sender that is in use points into itself.
  LinkSender& operator=(LinkSender&&) = default;

  // Room for the bytes of a small message or the handshake; empty when too many wait.
  [[nodiscard]] std::span<uint8_t> append(size_t size_bytes);
  void enqueue(const BlockRange& block) { blocks_.push(block); }

  // Starts what can be started. The link is connected.
  void flush();
  // Gives back memory of the shard that the socket has not taken for a while.
  void yield_memory(Instant now);
  // The kernel may hold pages of this process until the other side has them (zero copy).
  [[nodiscard]] bool holds_pages() const {
    return is_zero_copy_ && operations_->message.in_flight();
  }
  // Before a fresh one is assigned, and with nothing in flight.
  void release_all();

  // A completion of `message`; with zero copy there are two. Then, when it is not in flight any
  // more and the link is not closing, message_done().
  void note_result(int32_t result, uint32_t cqe_flags);
  void message_done();
  void read_done(const StoreTransfer& transfer, int error_number);

 private:
  enum class Phase : uint8_t { idle, message, yielding, resuming, file };
  struct Run {
    uint32_t block_count = 0;
    uint32_t size_bytes = 0;
    uint32_t smallest_bytes = 0;
  };

  // Each change of phase goes through here.
  void enter(Phase next);

  // batches
  void start_batches();
  [[nodiscard]] Run front_run() const;
  bool start_batch(SendBatch& batch);
  bool use_hot_piece(SendBatch& batch, const BlockRange& first);
  bool use_file(SendBatch& batch, const Run& run, uint64_t offset);
  bool use_chunk(SendBatch& batch);
  void read_into_chunk(SendBatch& batch);
  void release_memory(SendBatch& batch);
  void release(SendBatch& batch);

  // messages
  void start_message();
  uint32_t add_batch(SendBatch& batch, uint32_t count);
  void send_segments(uint32_t count);
  void send_rest();
  void send_records(LinkCipher& cipher);
  [[nodiscard]] bool may_send_data() const;
  [[nodiscard]] bool is_out() const;
  void start_records_alone();
  void skip_sent(size_t sent);
  void batch_sent();
  void count_sent(const SendBatch& batch);

  // giving memory back (link_sender_yield.cc)
  [[nodiscard]] bool can_release(const SendBatch& batch) const;
  void interrupt();
  void resume();

  // sending from the page cache (link_sender_file.cc)
  bool can_splice();
  void start_file(uint32_t prefix_count);
  void prepare_file_head(uint32_t prefix_count);
  void continue_file();
  void send_file_head();
  void send_file_payload(SendBatch& batch);
  void file_send_failed(int error_number);

  const LinkHost* host_;
  PeerLink* link_;
  Operations* operations_;

  Phase phase_ = Phase::idle;
  std::vector<uint8_t> control_;          // to be sent
  std::vector<uint8_t> control_sending_;  // being sent
  RingQueue<BlockRange> blocks_;
  std::array<SendBatch, 2> batches_;
  uint32_t next_to_fill_ = 0;  // batches are filled and sent in turn
  uint32_t next_to_send_ = 0;
  SendBatch* sending_ = nullptr;
  msghdr message_{};
  msghdr sealed_message_{};  // with TLS: the records in flight
  iovec sealed_segment_{};
  std::array<iovec, 2 * SendBatch::block_count_max + 1> segments_{};
  int32_t result_ = 0;
  Instant progressed_at_{};        // of the send in flight: when it began
  size_t message_sent_bytes_ = 0;  // of the message being sent
  bool is_zero_copy_ = false;      // the send that is in flight
  bool is_non_blocking_ = false;   // the socket
  uint32_t file_block_ = 0;        // of the batch, being sent from its file
  uint32_t file_sent_bytes_ = 0;   // of that block
};

}  // namespace murder::node
