// Index and identifier types that do not convert into each other by accident.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace murder {

// A 32-bit index of one kind. `raw` says that the kind is left on purpose.
template <typename Kind>
struct StrongIndex {
  uint32_t raw = 0;

  constexpr auto operator<=>(const StrongIndex&) const = default;
};

using PieceIndex = StrongIndex<struct PieceIndexKind>;      // 0 .. piece count - 1
using BufferIndex = StrongIndex<struct BufferIndexKind>;    // slot of a piece buffer in the arena
using TrackerIndex = StrongIndex<struct TrackerIndexKind>;  // position in the list of trackers
using ShardIndex = StrongIndex<struct ShardIndexKind>;

// A contiguous part of a piece: what one request asks for (BEP 3 calls offset `begin`).
struct BlockRange {
  PieceIndex piece;
  uint32_t offset = 0;  // bytes from the start of the piece
  uint32_t size_bytes = 0;

  constexpr auto operator<=>(const BlockRange&) const = default;
};

// 20 bytes that identify something: a SHA-1 digest, an info hash or a peer id (BEP 3).
template <typename Kind>
struct Id20 {
  static constexpr size_t size_bytes = 20;
  std::array<uint8_t, size_bytes> bytes{};

  constexpr auto operator<=>(const Id20&) const = default;

  // 40 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * size_bytes);
    for (const uint8_t byte : bytes) {
      text.push_back(digits[byte >> 4U]);
      text.push_back(digits[byte & 15U]);
    }
    return text;
  }

  // From exactly 40 hexadecimal digits of either case.
  [[nodiscard]] static std::optional<Id20> from_hex(std::string_view text) {
    if (text.size() != 2 * size_bytes) {
      return std::nullopt;
    }
    Id20 id;
    for (size_t index = 0; index < text.size(); ++index) {
      const char digit = text[index];
      uint8_t value = 0;
      if (digit >= '0' && digit <= '9') {
        value = static_cast<uint8_t>(digit - '0');
      } else if (digit >= 'a' && digit <= 'f') {
        value = static_cast<uint8_t>(digit - 'a' + 10);
      } else if (digit >= 'A' && digit <= 'F') {
        value = static_cast<uint8_t>(digit - 'A' + 10);
      } else {
        return std::nullopt;
      }
      id.bytes[index / 2] = static_cast<uint8_t>(id.bytes[index / 2] << 4U | value);
    }
    return id;
  }

  // From exactly 20 bytes; nothing else fits.
  [[nodiscard]] static std::optional<Id20> from_bytes(std::span<const uint8_t> source) {
    if (source.size() != size_bytes) {
      return std::nullopt;
    }
    Id20 id;
    for (size_t index = 0; index < size_bytes; ++index) {
      id.bytes[index] = source[index];
    }
    return id;
  }
};

using Sha1Digest = Id20<struct Sha1DigestKind>;
using InfoHash = Id20<struct InfoHashKind>;
using PeerId = Id20<struct PeerIdKind>;

// For hash tables. The bytes are hash outputs or random, so the first eight serve.
struct Id20Hash {
  template <typename Kind>
  size_t operator()(const Id20<Kind>& id) const {
    size_t value = 0;
    for (size_t index = 0; index < sizeof(size_t); ++index) {
      value = (value << 8U) | id.bytes[index + 12];
    }
    return value;
  }
};

inline std::span<const uint8_t> as_bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text_of(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace murder
