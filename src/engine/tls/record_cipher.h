// One direction of a connection's records (RFC 8446, section 5.2): sealed by OpenSSL's AEAD, under
// a number each, so that a record that is changed, left out, sent again or in another order does
// not open. No memory of its own but OpenSSL's state, no clock.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "engine/tls/bounds.h"
#include "engine/tls/segments.h"
#include "engine/tls/traffic_keys.h"

struct evp_cipher_ctx_st;

namespace murder::tls {

enum class ContentType : uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23,
};

// The content of the last record: a warning, close_notify.
inline constexpr std::array<uint8_t, 2> end_alert = {1, 0};

// What a record begins with.
struct RecordHead {
  uint8_t type = 0;
  uint16_t version = 0;
  size_t body_bytes = 0;
};
using RecordHeadView = std::span<const uint8_t, limits::tls_record_head_bytes>;
[[nodiscard]] RecordHead decode_record_head(RecordHeadView wire);
// Whether a sealed record of TLS 1.3 may begin like this.
[[nodiscard]] bool is_sealed_head(const RecordHead& head);

class RecordCipher {
 public:
  enum class Direction : uint8_t { seals, opens };

  // Nothing: there is not enough memory.
  [[nodiscard]] static std::optional<RecordCipher> create(Suite suite, Direction direction,
                                                          const TrafficSecret& secret);

  // Under the present key.
  [[nodiscard]] uint64_t record_count() const { return record_count_; }
  [[nodiscard]] uint64_t sealed_bytes() const { return sealed_bytes_; }

  // Takes `size_bytes` of `plain` (tls_plain_bytes_max at most) and writes a record of them to
  // `out`, which has room for tls_overhead_bytes more. Its bytes; 0: OpenSSL has no memory.
  [[nodiscard]] size_t seal(ContentType type, Segments& plain, size_t size_bytes,
                            std::span<uint8_t> out);

  // Opens a whole record, head included, into the first bytes of `into`, which has room for
  // room_for(record) and may be the record's own place behind its head. Nothing: it is not the
  // record that was sealed next. Then `into` may have been written to, and nothing more opens.
  struct Opened {
    uint8_t type = 0;
    size_t size_bytes = 0;
  };
  [[nodiscard]] std::optional<Opened> open(std::span<const uint8_t> record, Segments into);
  // Of plaintext and padding. The record has is_sealed_head().
  [[nodiscard]] static size_t room_for(std::span<const uint8_t> record) {
    return record.size() - limits::tls_overhead_bytes;
  }

  // What somebody else needs to go on from here, such as a kernel.
  struct Next {
    Suite suite = Suite::aes_128_gcm;
    RecordKey key;
    uint64_t record_number = 0;
  };
  [[nodiscard]] Next next() const {
    return {suite_, record_key_of(suite_, secret_), record_count_};
  }

  // After a KeyUpdate. False: OpenSSL has no memory.
  [[nodiscard]] bool take_next_key();

 private:
  struct ContextDeleter {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, ContextDeleter>;

  RecordCipher(Suite suite, Direction direction, const TrafficSecret& secret, Context context)
      : suite_(suite), direction_(direction), secret_(secret), context_(std::move(context)) {}

  [[nodiscard]] bool use_key();
  [[nodiscard]] bool begin_record(std::span<const uint8_t> head);
  // From `from` to `to`, as many bytes.
  [[nodiscard]] bool update(std::span<const uint8_t> from, uint8_t* to);

  Suite suite_;
  Direction direction_;
  TrafficSecret secret_;
  Context context_;
  std::array<uint8_t, RecordKey::nonce_bytes> nonce_{};
  uint64_t record_count_ = 0;
  uint64_t sealed_bytes_ = 0;
};

}  // namespace murder::tls
