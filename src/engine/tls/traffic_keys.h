// The keys of records, as TLS 1.3 derives them from the secrets that a handshake ends with (RFC
// 8446, sections 7.1 to 7.3). Both suites that peers use hash with SHA-256. Pure.
#pragma once

#include <array>
#include <cstdint>

#include "engine/trust/hmac.h"

namespace murder::tls {

enum class Suite : uint8_t { aes_128_gcm, chacha20_poly1305 };

// For people: "AES-128-GCM".
[[nodiscard]] const char* suite_name(Suite suite);

// Of one direction.
using TrafficSecret = trust::Secret;

// What a handshake ends with.
struct Traffic {
  Suite suite = Suite::aes_128_gcm;
  TrafficSecret client{};
  TrafficSecret server{};
};

struct RecordKey {
  static constexpr size_t nonce_bytes = 12;

  std::array<uint8_t, 32> key{};
  size_t key_bytes = 0;
  std::array<uint8_t, nonce_bytes> nonce{};  // "iv": each record's is made of it and its number
};

[[nodiscard]] RecordKey record_key_of(Suite suite, const TrafficSecret& secret);
// Of the same direction, after a KeyUpdate.
[[nodiscard]] TrafficSecret next_secret(const TrafficSecret& secret);

}  // namespace murder::tls
