// What of OpenSSL this layer needs: digests, and signatures by plain keys. Nothing here knows ssh.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::trust {

enum class HashAlgorithm : uint8_t { sha256, sha384, sha512 };

// OpenSSL starts within this call, once. An Error (limit): there is not enough memory for it.
[[nodiscard]] Status start_openssl();

// Of all below: start_openssl() returned no Error before.

[[nodiscard]] std::string digest_of(HashAlgorithm algorithm, std::string_view bytes);

enum class Curve : uint8_t { p256, p384, p521 };
[[nodiscard]] size_t coordinate_bytes_of(Curve curve);

// Big-endian numbers without zeros in front.
struct RsaKey {
  std::string_view modulus;
  std::string_view exponent;
};
struct EcdsaSignature {
  std::string_view r;
  std::string_view s;
};

// Of a seed of 32 bytes (RFC 8032). Empty where OpenSSL has no memory.
[[nodiscard]] std::string ed25519_public_key(std::string_view seed);
[[nodiscard]] std::string sign_ed25519(std::string_view seed, std::string_view message);

// Whether the signature is that of the message. False, too, where OpenSSL refuses the key (a point
// that is not on the curve) or has no memory.
[[nodiscard]] bool verify_ed25519(std::string_view public_key, std::string_view signature,
                                  std::string_view message);
// The point is uncompressed.
[[nodiscard]] bool verify_ecdsa(Curve curve, std::string_view point, EcdsaSignature signature,
                                std::string_view message);
// PKCS#1 version 1.5.
[[nodiscard]] bool verify_rsa(const RsaKey& key, HashAlgorithm algorithm,
                              std::string_view signature, std::string_view message);

}  // namespace murder::trust
