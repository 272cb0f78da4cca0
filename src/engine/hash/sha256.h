// SHA-256 (FIPS 180-4), what a signature over a release covers: SHA-1 collisions can be made.
//
// By OpenSSL's older interface: it needs no start of the library, takes no memory and makes no
// system call, so a confined thread may hash.
#pragma once

#include <openssl/sha.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace murder::hash {

struct Sha256Digest {
  static constexpr size_t size_bytes = 32;
  std::array<uint8_t, size_bytes> bytes{};

  constexpr auto operator<=>(const Sha256Digest&) const = default;

  // 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const;
  // From exactly 64 hexadecimal digits of lower case: one digest has one text.
  [[nodiscard]] static std::optional<Sha256Digest> from_hex(std::string_view text);
};

// One message that comes in parts. For one thread; nothing to release.
class Sha256Stream {
 public:
  Sha256Stream();

  void update(std::span<const uint8_t> bytes);
  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }
  // The digest of all parts; the stream begins a new message.
  [[nodiscard]] Sha256Digest finish();

 private:
  void restart();

  SHA256_CTX context_;
  uint64_t size_bytes_ = 0;
};

[[nodiscard]] Sha256Digest sha256(std::span<const uint8_t> bytes);

}  // namespace murder::hash
