// The transport of one session: a TCP connection on the ring. It lives on its shard's thread, in
// the slot of its session, and is used again for the next session in that slot.
//
// state         what it is                                       becomes
// idle          no session, nothing in flight                    connecting (dial),
//                                                                handshaking (adopt)
// connecting    a dialled socket that is not connected           handshaking, closing
// handshaking   bytes pass; the peer has not sent its handshake  open, closing
// open          the peer's handshake came                        closing
// closing       everything is cancelled; the kernel may still    idle, once nothing is in flight
//               hold memory of it
//
// Receiving: one recvmsg is armed at a time, into the segments of the LinkReceiver, which reads
// what comes. From a fast stock client, which sends 16 KiB at a time, more bytes gather at the
// socket before they are taken.
//
// Sending: small messages are gathered in a buffer. Blocks leave in batches, runs of one piece, two
// batches at a time: from a piece that is still in memory, from the page cache (link_sender_file.cc), or
// read into a chunk while the other batch is sent. From memory they leave with their heads in one
// sendmsg.
//
// Memory of the shard that a batch holds while its socket is full is taken back when others wait
// for it (yield_memory): the rest is read again when the socket takes data.
//
// Bounded by: one recv, one send or wait for the socket, two reads in flight;
// control_queue_bytes_max; send_window_bytes (kept by the swarm).
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/ring_queue.h"
#include "engine/base/types.h"
#include "engine/codec/peer_wire.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/sockets.h"
#include "engine/node/link_host.h"
#include "engine/node/link_receiver.h"
#include "engine/node/send_batch.h"
#include "engine/swarm/effects.h"

namespace murder::node {

class PeerLink {
 public:
  explicit PeerLink(const LinkHost& host);
  PeerLink(const PeerLink&) = delete;
  PeerLink& operator=(const PeerLink&) = delete;

  // The slot must be idle. The shard's swarm hears Swarm::dialed, or that the session ended.
  void dial(swarm::SessionId session, const Endpoint& remote);
  void adopt(swarm::SessionId session, io::Fd socket);

  // A small message or the handshake, as bytes. Sent at the end of the turn.
  [[nodiscard]] std::span<uint8_t> append(size_t size_bytes);
  void enqueue(const BlockRange& block) { blocks_.push(block); }
  // Lets go of the places in piece buffers; Swarm::disarmed follows.
  void disarm();
  void close();

  // End of a turn: starts what can be started.
  void flush();
  void arm();
  // Others wait for send chunks or for places of pieces: what this link holds and its socket has
  // not taken for a while is given back.
  void yield_memory(Instant now);
  // A disarm that needs no wait is answered here.
  void answer_disarm();

  [[nodiscard]] bool is_closing() const { return state_ == State::closing; }
  [[nodiscard]] swarm::SessionId session() const { return session_; }
  void end(swarm::CloseReason reason);
  [[nodiscard]] bool nothing_in_flight() const;
  // After nothing_in_flight(): the slot may be used again.
  void finish_close();

  // Bytes gather at the socket (policy/receive_gathering.h). When the last ones came before
  // `since`, they are taken as they are. False: nothing gathers.
  bool end_gathering(Instant since);

  // Where this link stands (LinkList).
  uint32_t listed = 0;

 private:
  enum class State : uint8_t { idle, connecting, handshaking, open, closing };

  // Each change of state goes through here.
  void enter(State next);
  // Bytes pass.
  [[nodiscard]] bool is_connected() const {
    return state_ == State::handshaking || state_ == State::open;
  }
  // It has a session and is not closing.
  [[nodiscard]] bool is_active() const { return state_ == State::connecting || is_connected(); }

  void connect_done(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void recv_done(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void send_done(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void read_done(StoreTransfer& transfer, int error_number);
  void settle();

  // receiving (link_receive.cc)
  void read_events();
  [[nodiscard]] uint32_t bytes_to_gather(uint64_t portion_bytes) const;
  void set_low_mark(uint32_t size_bytes);
  [[nodiscard]] LinkReceiver::Options receiver_options() const;

  // sending (link_sender.cc)
  struct Run {
    uint32_t block_count = 0;
    uint32_t size_bytes = 0;
    uint32_t smallest_bytes = 0;
  };
  void start_batches();
  [[nodiscard]] Run front_run() const;
  bool start_batch(SendBatch& batch);
  bool use_hot_piece(SendBatch& batch, const BlockRange& first);
  bool use_file(SendBatch& batch, const Run& run, uint64_t offset);
  bool use_chunk(SendBatch& batch);
  void read_into_chunk(SendBatch& batch);
  void start_send();
  uint32_t add_batch(SendBatch& batch, uint32_t count);
  void send_segments(uint32_t count);
  void send_rest();
  void skip_sent(size_t sent);
  void batch_sent();
  void count_sent(const SendBatch& batch);
  void release_memory(SendBatch& batch);
  void let_go(SendBatch& batch);

  // giving memory back (link_sender_yield.cc)
  [[nodiscard]] bool can_let_go(const SendBatch& batch) const;
  void let_go_of_memory(SendBatch& batch);
  void interrupt_send();
  void resume_send();

  // sending from the page cache (link_sender_file.cc)
  bool can_splice();
  void start_file(uint32_t prefix_count);
  void prepare_file_head(uint32_t prefix_count);
  void go_on_with_file();
  void send_file_head();
  void send_file_payload(SendBatch& batch);
  void file_send_failed(int error_number);
  void became_writable(io::Operation& operation, int32_t result, uint32_t cqe_flags);

  const LinkHost& host_;
  State state_ = State::idle;
  swarm::SessionId session_;
  io::Fd fd_;
  io::SocketAddress address_;

  io::Operation connect_;
  io::Operation recv_;
  io::Operation send_;
  io::Operation writable_;

  // --- receiving ---
  LinkReceiver receiver_;
  msghdr recv_message_{};
  uint32_t low_mark_bytes_ = 1;  // what makes the socket readable
  Instant armed_at_{};
  bool disarm_wanted_ = false;

  // --- sending ---
  std::vector<uint8_t> control_;          // to be sent
  std::vector<uint8_t> control_sending_;  // being sent
  RingQueue<BlockRange> blocks_;
  std::array<SendBatch, 2> batches_;
  uint32_t next_to_fill_ = 0;  // batches are filled and sent in turn
  uint32_t next_to_send_ = 0;
  SendBatch* sending_ = nullptr;
  msghdr send_message_{};
  std::array<iovec, 2 * SendBatch::block_count_max + 1> send_segments_{};
  int32_t send_result_ = 0;
  Instant send_progressed_at_{};   // of the send in flight: when it began
  size_t message_sent_bytes_ = 0;  // of the message being sent
  bool yielding_ = false;          // the send in flight is cancelled: others wait for its memory
  bool resuming_ = false;          // its rest is sent before anything else
  bool is_zero_copy_ = false;      // the send that is in flight
  bool is_non_blocking_ = false;
  uint32_t file_block_ = 0;       // of the batch, being sent from its file
  uint32_t file_sent_bytes_ = 0;  // of that block
};

}  // namespace murder::node
