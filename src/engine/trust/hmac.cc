#include "engine/trust/hmac.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <string>

#include "engine/base/types.h"
#include "engine/hash/sha256.h"

namespace murder::trust {
namespace {

constexpr size_t block_bytes = 64;  // of SHA-256

// The hash of the key, padded to a block with each byte changed by `mask`, and of the message.
hash::Sha256Digest keyed_hash(std::span<const uint8_t, block_bytes> key, uint8_t mask,
                              std::span<const uint8_t> message) {
  std::array<uint8_t, block_bytes> masked{};
  std::ranges::transform(key, masked.begin(),
                         [mask](uint8_t byte) { return static_cast<uint8_t>(byte ^ mask); });
  hash::Sha256Stream stream;
  stream.update(masked);
  stream.update(message);
  return stream.finish();
}

}  // namespace

Mac hmac_sha256(std::span<const uint8_t> key, std::span<const uint8_t> message) {
  std::array<uint8_t, block_bytes> block{};
  if (key.size() > block.size()) {
    std::ranges::copy(hash::sha256(key).bytes, block.begin());
  } else {
    std::ranges::copy(key, block.begin());
  }
  constexpr uint8_t inner_mask = 0x36;
  constexpr uint8_t outer_mask = 0x5c;
  return keyed_hash(block, outer_mask, keyed_hash(block, inner_mask, message).bytes).bytes;
}

Secret hkdf_sha256(std::span<const uint8_t> secret, std::span<const uint8_t> salt,
                   std::string_view info) {
  const Mac extracted = hmac_sha256(salt, secret);
  std::string first(info);
  first.push_back('\x01');
  return hmac_sha256(extracted, as_bytes_of(first));
}

bool is_same(std::span<const uint8_t> one, std::span<const uint8_t> other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace murder::trust
