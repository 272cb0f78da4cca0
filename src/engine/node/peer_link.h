// The transport of one session: a TCP connection on the ring. It lives on its shard's thread, in
// the slot of its session, and is used again for the next session in that slot.
//
// state         what it is                                       becomes
// idle          no session, nothing in flight                    connecting (dial),
//                                                                handshaking, proving (adopt)
// connecting    a dialled socket that is not connected           handshaking, proving, closing
// proving       in a closed swarm: bytes pass; the peer has not  open, handshaking (TLS), closing
//               proven the fleet key (link_proof.h, or with TLS
//               link_cipher.h)
// handshaking   bytes pass; the peer has not sent its handshake  open, closing
// open          the peer's handshake came                        closing
// closing       everything is cancelled; the kernel may still    idle, once nothing is in flight
//               hold memory of it
//
// Receiving: one recvmsg is armed at a time, into the segments of the LinkReceiver, which reads
// what comes. From a fast stock client, which sends 16 KiB at a time, more bytes gather at the
// socket before they are taken.
//
// Sending: the LinkSender decides what leaves next.
//
// With TLS both pass the LinkCipher: bytes are received into its memory and opened into the
// segments of the LinkReceiver, and what the LinkSender sends are records. Nothing is sent around
// it. Where the kernel has TLS it takes both directions over (link_kernel_tls.cc), and they are as
// without.
//
// Bounded by: one recv in flight, and what LinkSender has. A state of one connection is in the
// receiver and the sender, of which fresh ones are assigned when it ends.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/endpoint.h"
#include "engine/base/types.h"
#include "engine/io/kernel_tls.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/sockets.h"
#include "engine/node/link_cipher.h"
#include "engine/node/link_host.h"
#include "engine/node/link_proof.h"
#include "engine/node/link_receiver.h"
#include "engine/node/link_sender.h"
#include "engine/node/store_transfer.h"
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

  // To be sent, once the other side has proven the key where the swarm is closed.
  void send_handshake(const codec::Handshake& handshake);
  // A small message, as bytes. Sent at the end of the turn. Empty: too many wait.
  [[nodiscard]] std::span<uint8_t> append(size_t size_bytes) { return sender_.append(size_bytes); }
  void enqueue(const BlockRange& block) { sender_.enqueue(block); }
  // Lets go of the places in piece buffers; Swarm::disarmed follows.
  void disarm();
  void close();

  // End of a turn: starts what can be started.
  void flush();
  void arm();
  // Others wait for send chunks or for places of pieces: what this link holds and its socket has
  // not taken for a while is given back.
  void yield_memory(Instant now) {
    if (is_active()) {
      sender_.yield_memory(now);
    }
  }
  // A disarm that needs no wait is answered here.
  void answer_disarm();

  [[nodiscard]] bool is_closing() const { return state_ == State::closing; }
  // It has a session and is not closing.
  [[nodiscard]] bool is_active() const { return state_ == State::connecting || is_connected(); }
  // It has not proven the key, and was connected before `since`.
  [[nodiscard]] bool is_unproven(Instant since) const {
    return state_ == State::proving && connected_at_ <= since;
  }
  void end_unproven() { end(reason_unproven()); }
  [[nodiscard]] swarm::SessionId session() const { return session_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  // With TLS, while connected; else nullptr.
  [[nodiscard]] LinkCipher* cipher() { return cipher_ ? &*cipher_ : nullptr; }
  // The same where records are sealed in this process, not by the kernel.
  [[nodiscard]] LinkCipher* sealer() {
    return cipher_ && !cipher_->kernel_sends() ? &*cipher_ : nullptr;
  }
  // With TLS, and nothing being sent: hands sending over to the kernel if that can be.
  void hand_over_sending();
  // After each batch of blocks: the link ends when the kernel used its key up.
  void note_sent(uint32_t payload_bytes);
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
  enum class State : uint8_t { idle, connecting, proving, handshaking, open, closing };

  // Each change of state goes through here.
  void enter(State next);
  // Bytes pass.
  [[nodiscard]] bool is_connected() const {
    return state_ == State::proving || state_ == State::handshaking || state_ == State::open;
  }

  void connect_done(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void recv_done(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void send_done(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void read_done(StoreTransfer& transfer, int error_number);
  void settle();
  void say_goodbye();
  void say_goodbye_by_kernel();
  // Past the ring, as far as the socket takes it: the link ends.
  void send_now(std::span<const uint8_t> bytes);

  // proving (link_proving.cc)
  // Connected: what is exchanged first.
  void begin(LinkProof::Role role);
  void take_proof(std::span<const uint8_t> frame);
  void send_bytes(std::span<const uint8_t> bytes);
  // Why it ends when the other side ends it: one that we dialled and that did not prove the key has
  // another one, or none.
  [[nodiscard]] swarm::CloseReason reason_of_end(swarm::CloseReason otherwise) const;
  [[nodiscard]] swarm::CloseReason reason_unproven() const;

  // receiving (link_receive.cc)
  // The segments of the LinkReceiver, for the next bytes. Whether they are as predicted.
  bool begin_segments();
  void arm_cipher();
  void read_cipher();
  // Whether the kernel opens the records.
  bool hand_over_receiving();
  // It would, but for a record that has come in part.
  [[nodiscard]] bool waits_for_record_end() const;
  [[nodiscard]] bool is_refused_by_kernel(int error_number);
  void read_opened(size_t size_bytes);
  [[nodiscard]] swarm::CloseReason reason_of_failed_receive(int error_number) const;
  // A link that carried that much is ended, by either side, for its keys' sake.
  [[nodiscard]] bool is_key_used_up() const;
  void end_by_cipher();
  void read_events();
  [[nodiscard]] uint32_t bytes_to_gather(uint64_t portion_bytes) const;
  void set_low_mark(uint32_t size_bytes);
  [[nodiscard]] LinkReceiver::Options receiver_options() const;

  // sending
  void became_writable(io::Operation& operation, int32_t result, uint32_t cqe_flags);

  const LinkHost& host_;
  State state_ = State::idle;
  swarm::SessionId session_;
  io::Fd fd_;
  io::SocketAddress address_;
  Instant connected_at_{};
  std::optional<LinkProof> proof_;    // in a closed swarm, while connected
  std::optional<LinkCipher> cipher_;  // in its place, with TLS

  io::Operation connect_;
  io::Operation recv_;
  LinkSender::Operations send_;

  LinkReceiver receiver_;
  msghdr recv_message_{};
  iovec recv_segment_{};         // with TLS
  io::TlsRecordType recv_type_;  // of what the kernel opened
  uint32_t low_mark_bytes_ = 1;  // what makes the socket readable
  Instant armed_at_{};
  bool disarm_wanted_ = false;
  LinkSender sender_;
};

}  // namespace murder::node
