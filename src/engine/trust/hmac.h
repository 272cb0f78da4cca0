// HMAC (RFC 2104) and HKDF-SHA256 (RFC 5869), of the hashes of engine/hash: as those, they
// need no start of OpenSSL, take no memory and make no system call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/base/types.h"

namespace murder::trust {

inline constexpr size_t secret_bytes = 32;
inline constexpr size_t mac_bytes = 32;

using Secret = std::array<uint8_t, secret_bytes>;
using Mac = std::array<uint8_t, mac_bytes>;

[[nodiscard]] Mac hmac_sha256(std::span<const uint8_t> key, std::span<const uint8_t> message);

// Of SHA-1 (RFC 2202), by which ssh hides the names of hosts in known_hosts.
[[nodiscard]] Sha1Digest hmac_sha1(std::span<const uint8_t> key, std::span<const uint8_t> message);

// The first 32 bytes that HKDF makes of `secret`.
[[nodiscard]] Secret hkdf_sha256(std::span<const uint8_t> secret, std::span<const uint8_t> salt,
                                 std::string_view info);

// Takes as long for any content; false for other lengths.
[[nodiscard]] bool is_same(std::span<const uint8_t> one, std::span<const uint8_t> other);

}  // namespace murder::trust
