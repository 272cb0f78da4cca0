#include <openssl/evp.h>

#include <cstring>

#include "support.h"

namespace shalanes {

template <>
Sha1::Digest openssl_digest<Sha1>(std::span<const uint8_t> message) {
  Sha1::Digest digest{};
  if (EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_sha1(), nullptr) !=
      1) {
    std::abort();
  }
  return digest;
}

std::vector<uint8_t> Random::bytes(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    const uint64_t word = next();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof(word), size - at));
  }
  return bytes;
}

}  // namespace shalanes
