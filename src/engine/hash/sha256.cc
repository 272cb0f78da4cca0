#include "engine/hash/sha256.h"

#include "engine/base/ensure.h"

// OpenSSL 3 calls these deprecated.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace murder::hash {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
static_assert(Sha256Digest::size_bytes == SHA256_DIGEST_LENGTH);

}  // namespace

std::string Sha256Digest::hex() const {
  std::string text;
  text.reserve(2 * size_bytes);
  for (const uint8_t byte : bytes) {
    text.push_back(hex_digits[byte >> 4U]);
    text.push_back(hex_digits[byte & 15U]);
  }
  return text;
}

std::optional<Sha256Digest> Sha256Digest::from_hex(std::string_view text) {
  if (text.size() != 2 * size_bytes) {
    return std::nullopt;
  }
  Sha256Digest digest;
  for (size_t index = 0; index < text.size(); ++index) {
    const size_t value = hex_digits.find(text[index]);
    if (value == std::string_view::npos) {
      return std::nullopt;
    }
    digest.bytes[index / 2] = static_cast<uint8_t>(digest.bytes[index / 2] << 4U | value);
  }
  return digest;
}

Sha256Stream::Sha256Stream() {
  restart();
}

void Sha256Stream::restart() {
  ENSURE(SHA256_Init(&context_) == 1);
  size_bytes_ = 0;
}

void Sha256Stream::update(std::span<const uint8_t> bytes) {
  ENSURE(SHA256_Update(&context_, bytes.data(), bytes.size()) == 1);
  size_bytes_ += bytes.size();
}

Sha256Digest Sha256Stream::finish() {
  Sha256Digest digest;
  ENSURE(SHA256_Final(digest.bytes.data(), &context_) == 1);
  restart();
  return digest;
}

Sha256Digest sha256(std::span<const uint8_t> bytes) {
  Sha256Stream stream;
  stream.update(bytes);
  return stream.finish();
}

}  // namespace murder::hash

#pragma GCC diagnostic pop
