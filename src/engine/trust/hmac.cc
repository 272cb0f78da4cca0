#include "engine/trust/hmac.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/base/types.h"
#include "engine/hash/sha1.h"
#include "engine/hash/sha256.h"

namespace murder::trust {
namespace {

constexpr size_t block_bytes = 64;  // of SHA-1 and SHA-256
constexpr uint8_t inner_mask = 0x36;
constexpr uint8_t outer_mask = 0x5c;
using KeyBlock = std::array<uint8_t, block_bytes>;

// The key is at most a block: of a longer one its hash is used.
KeyBlock block_of(std::span<const uint8_t> key) {
  KeyBlock block{};
  std::ranges::copy(key, block.begin());
  return block;
}

// The block with each byte changed by `mask`.
KeyBlock masked(KeyBlock block, uint8_t mask) {
  std::ranges::transform(block, block.begin(),
                         [mask](uint8_t byte) { return static_cast<uint8_t>(byte ^ mask); });
  return block;
}

hash::Sha256Digest sha256_of(const KeyBlock& block, std::span<const uint8_t> message) {
  hash::Sha256Stream stream;
  stream.update(block);
  stream.update(message);
  return stream.finish();
}

Sha1Digest sha1_of(const KeyBlock& block, std::span<const uint8_t> message) {
  std::vector<uint8_t> all(block.begin(), block.end());
  all.insert(all.end(), message.begin(), message.end());
  return hash::sha1(all);
}

}  // namespace

Mac hmac_sha256(std::span<const uint8_t> key, std::span<const uint8_t> message) {
  const KeyBlock block =
      key.size() > block_bytes ? block_of(hash::sha256(key).bytes) : block_of(key);
  return sha256_of(masked(block, outer_mask), sha256_of(masked(block, inner_mask), message).bytes)
      .bytes;
}

Sha1Digest hmac_sha1(std::span<const uint8_t> key, std::span<const uint8_t> message) {
  const KeyBlock block = key.size() > block_bytes ? block_of(hash::sha1(key).bytes) : block_of(key);
  return sha1_of(masked(block, outer_mask), sha1_of(masked(block, inner_mask), message).bytes);
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
