// What stands between a socket and a link whose transport is TLS: bytes of the socket on one side,
// what the peer says and is told on the other. No socket, no clock, never blocks.
//
// state     what it is                                                   becomes
// proving   the frames of trust/peer_proof.h, then the handshake of TLS  open, refused
// open      all passes in records                                        ended, used_up, failed
// refused   the other side has not proven the key, or differs            (the link ends)
// ended     the other side said that nothing follows                     (the link ends)
// used_up   a direction that the kernel has needs another key            (the link ends)
// failed    what came was changed on its way                             (the link ends)
//
// Nothing is ever sent or taken outside of TLS but the two frames, which are nonces and MACs.
//
// A record is opened into the segments that its data belongs in, if there is room for it, else
// where it lies, and copied as room is found. Bounded by: input_bytes that were received,
// output_bytes that are sealed and not sent.
//
// Each direction may be handed over to the kernel between two records (link_cipher_kernel.cc): from
// then on the socket is read and written as if there were no cipher. The kernel keeps the key that
// it was given, so the link ends, and is dialled again, when that is used up.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/node/cipher_buffer.h"
#include "engine/tls/session.h"
#include "engine/trust/peer_proof.h"

namespace murder::node {

class LinkCipher {
 public:
  using Role = trust::PeerProof::Role;
  enum class State : uint8_t { proving, open, refused, ended, used_up, failed };

  static constexpr size_t input_bytes = 4 * limits::tls_record_bytes_max;
  static constexpr size_t output_bytes = 8 * limits::tls_sealed_bytes_max;

  LinkCipher(const tls::Context& context, const trust::SwarmKeys& keys, Role role,
             const trust::Nonce& nonce, const tls::Session::Options& options = {});
  LinkCipher(const LinkCipher&) = delete;
  LinkCipher& operator=(const LinkCipher&) = delete;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is_open() const { return state_ == State::open; }
  // A member that speaks another transport. It is told so, by our frame.
  [[nodiscard]] bool differs() const { return is_other_transport_; }
  // A dialler whose hello was not answered rightly so far.
  [[nodiscard]] bool is_unanswered() const {
    return proof_.role() == Role::dialler && !is_answered_;
  }

  // --- what comes ---
  // Where the socket's next bytes go; never empty.
  [[nodiscard]] std::span<uint8_t> input_room();
  // The first `size_bytes` of it came.
  void received(size_t size_bytes);
  // Fills the segments as far as what came allows; how many bytes. 0: more has to come, or the
  // state is another one.
  size_t open(std::span<const iovec> into);

  // --- what leaves ---
  // Bytes that the socket gets next. They stay where they are until sent().
  [[nodiscard]] std::span<const uint8_t> output() { return output_.bytes(); }
  void sent(size_t size_bytes);
  // There is, or seal() makes, something to send without data.
  [[nodiscard]] bool has_output() const { return !output_.empty() || owes_record(); }
  // Seals data behind output(); how many bytes there was room for. The link is open.
  size_t seal(std::span<const iovec> plain);
  // The last that is sent, when nothing else is on its way; empty: there is nothing to say.
  [[nodiscard]] std::span<const uint8_t> goodbye();

  // --- a kernel that takes a direction over ---
  [[nodiscard]] bool kernel_receives() const { return kernel_receives_; }
  [[nodiscard]] bool kernel_sends() const { return kernel_sends_; }
  // Nothing that came waits here: the kernel may open the record that comes next.
  [[nodiscard]] bool is_between_received() const {
    return is_open() && !kernel_receives_ && input_.empty();
  }
  // What is missing of the record that began to come, or of its head; after open() returned 0.
  [[nodiscard]] size_t missing_bytes();
  // Nothing that is sealed, or owed, waits here.
  [[nodiscard]] bool is_between_sent() { return is_open() && !kernel_sends_ && !has_output(); }
  [[nodiscard]] tls::RecordCipher::Next next_received() const { return session_->next_opened(); }
  [[nodiscard]] tls::RecordCipher::Next next_sent() const { return session_->next_sealed(); }
  void hand_over_receiving();
  void hand_over_sending();
  // The kernel opened a record that is no data.
  void take_opened(uint8_t type, tls::Segments content, size_t size_bytes);
  void kernel_received(uint64_t size_bytes);
  void kernel_sent(uint64_t size_bytes, uint64_t key_bytes_max);
  // Of data, both ways.
  [[nodiscard]] uint64_t carried_bytes() const { return received_bytes_ + sent_bytes_; }

 private:
  [[nodiscard]] bool owes_record() const { return session_ && session_->owes_record(); }
  void advance();
  void take_frame();
  void shake();
  void take_farewell();
  void put_out(std::span<const uint8_t> bytes);
  size_t open_record(tls::Segments& into, std::span<const uint8_t> record);
  size_t copy_opened(tls::Segments& into);
  void follow_session();

  State state_ = State::proving;
  const tls::Context& context_;
  tls::Session::Options options_;
  trust::PeerProof proof_;
  bool is_answered_ = false;  // the frames were exchanged
  bool is_other_transport_ = false;
  std::optional<tls::Session> session_;
  CipherBuffer input_{input_bytes};
  CipherBuffer output_{output_bytes};
  size_t opened_bytes_ = 0;         // at the front of input_: data that waits for room
  size_t behind_opened_bytes_ = 0;  // what is left of its record
  bool kernel_receives_ = false;
  bool kernel_sends_ = false;
  uint64_t received_bytes_ = 0;  // of data
  uint64_t sent_bytes_ = 0;
};

}  // namespace murder::node
