// One connection under TLS 1.3, as bytes that come and bytes that leave: the handshake, then
// records. No socket, no clock, never blocks, keeps no data of its own.
//
// state        what it is                                    becomes
// handshaking  bytes go to shake()                           open, failed
// open         records are opened and sealed                 ended, used_up, failed
// ended        the other side said that nothing follows
// used_up      a direction that a kernel has needs another key
// failed       what came is no part of this connection; nothing more is sent
//
// After tls_rekey_bytes a side takes its next key and says so in front of the next data
// (KeyUpdate); what the other side says of its key is followed. Tickets are ignored.
//
// Either direction may be given away (next_opened(), let_go_of_opening() and so on) to a kernel,
// which keeps one key: then a KeyUpdate is followed by nobody, and the connection is used up.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/tls/handshake.h"
#include "engine/tls/record_cipher.h"

namespace murder::tls {

class Session {
 public:
  enum class State : uint8_t { handshaking, open, ended, used_up, failed };

  struct Options {
    uint64_t rekey_bytes = limits::tls_rekey_bytes;
  };
  Session(const Context& context, Role role, const trust::Secret& key, const Options& options);
  Session(const Context& context, Role role, const trust::Secret& key)
      : Session(context, role, key, Options{}) {}
  // Of a connection whose handshake is over.
  Session(Role role, const Traffic& traffic, const Options& options)
      : role_(role), options_(options) {
    use(traffic);
  }

  [[nodiscard]] State state() const { return state_; }

  // --- handshaking ---
  // How many bytes were taken: all but records behind the handshake. A client begins without any.
  size_t shake(std::span<const uint8_t> bytes);
  // To be sent at once, before anything that is sealed.
  [[nodiscard]] std::vector<uint8_t> take_output();

  // --- open ---
  // The bytes of the record that `bytes` begin with, once all of it is there; 0: more has to come.
  // Fails when no record begins like this.
  [[nodiscard]] size_t whole_record(std::span<const uint8_t> bytes);
  // What opening it needs of room.
  [[nodiscard]] static size_t room_for(std::span<const uint8_t> record) {
    return RecordCipher::room_for(record);
  }
  // Opens a whole record. The bytes of data, which begin `into`; 0 of others. After a failure
  // `into` may have been written to.
  size_t open(std::span<const uint8_t> record, Segments into);

  // Whether a record without data has to be sent: the answer to a KeyUpdate.
  [[nodiscard]] bool owes_record() const { return owes_update_; }
  // As many records as fit and are needed: first what is owed, then data of `plain`.
  struct Sealed {
    size_t plain_bytes = 0;
    size_t out_bytes = 0;
  };
  [[nodiscard]] Sealed seal(Segments plain, std::span<uint8_t> out);
  // The last record; nothing is sealed behind it.
  [[nodiscard]] size_t seal_end(std::span<uint8_t> out);

  // --- open, and a kernel takes a direction over ---
  [[nodiscard]] RecordCipher::Next next_opened() const { return opener_->next(); }
  [[nodiscard]] RecordCipher::Next next_sealed() const { return sealer_->next(); }
  void let_go_of_opening() { opener_.reset(); }
  void let_go_of_sealing();
  // A record that the kernel opened and that is no data.
  void take_opened(uint8_t type, Segments content, size_t size_bytes);
  // It opened data.
  void note_data() { idle_records_ = 0; }

  // Of both directions, once it is open.
  [[nodiscard]] const std::optional<Traffic>& traffic() const { return traffic_; }

 private:
  void fail();
  void use(const Traffic& traffic);
  void take_control(RecordCipher::Opened opened, Segments content);
  void take_handshake_messages(std::span<const uint8_t> bytes);
  void follow_key_update(uint8_t request);
  [[nodiscard]] size_t seal_update(std::span<uint8_t> out);

  State state_ = State::handshaking;
  Role role_;
  Options options_;
  std::unique_ptr<Handshake> handshake_;
  std::optional<Traffic> traffic_;
  std::optional<RecordCipher> opener_;
  std::optional<RecordCipher> sealer_;
  bool owes_update_ = false;
  uint32_t idle_records_ = 0;  // in a row that brought no data
};

}  // namespace murder::tls
