#include "engine/tls/traffic_keys.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/ensure.h"
#include "engine/base/types.h"

namespace murder::tls {
namespace {

// HKDF-Expand-Label with an empty context: at most one block of the hash.
trust::Mac expand_label(const TrafficSecret& secret, std::string_view label, size_t size_bytes) {
  ENSURE(size_bytes <= trust::mac_bytes);
  const std::string full = "tls13 " + std::string(label);
  std::string info;
  info.push_back('\0');
  info.push_back(static_cast<char>(size_bytes));
  info.push_back(static_cast<char>(full.size()));
  info += full;
  info.push_back('\0');    // of the context's length
  info.push_back('\x01');  // of HKDF-Expand: the first block
  return trust::hmac_sha256(secret, as_bytes_of(info));
}

size_t key_bytes_of(Suite suite) {
  return suite == Suite::aes_128_gcm ? 16 : 32;
}

}  // namespace

const char* suite_name(Suite suite) {
  return suite == Suite::aes_128_gcm ? "AES-128-GCM" : "ChaCha20-Poly1305";
}

RecordKey record_key_of(Suite suite, const TrafficSecret& secret) {
  RecordKey made{.key_bytes = key_bytes_of(suite)};
  const trust::Mac key = expand_label(secret, "key", made.key_bytes);
  const trust::Mac nonce = expand_label(secret, "iv", RecordKey::nonce_bytes);
  std::copy_n(key.begin(), made.key_bytes, made.key.begin());
  std::copy_n(nonce.begin(), made.nonce.size(), made.nonce.begin());
  return made;
}

TrafficSecret next_secret(const TrafficSecret& secret) {
  return expand_label(secret, "traffic upd", secret.size());
}

}  // namespace murder::tls
