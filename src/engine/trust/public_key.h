// Public keys in ssh's wire form (RFC 4253, 5656, 8709; OpenSSH's PROTOCOL.u2f for those of
// tokens), and whether a signature was made by one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/wire.h"

namespace murder::trust {

enum class KeyType : uint8_t {
  ed25519,
  ecdsa_p256,
  ecdsa_p384,
  ecdsa_p521,
  rsa,
  token_ed25519,     // sk-ssh-ed25519@openssh.com
  token_ecdsa_p256,  // sk-ecdsa-sha2-nistp256@openssh.com
};

// As ssh writes it: "ssh-ed25519".
[[nodiscard]] std::string_view name_of(KeyType type);
// What ends the name of a certificate of such a key ("@openssh.com" then stands there only).
inline constexpr std::string_view certificate_suffix = "-cert-v01@openssh.com";

struct PublicKey {
  KeyType type = KeyType::ed25519;
  // The whole key in wire form. There is one spelling of each key: keys are the same when these
  // are.
  std::string blob;
  std::string point;        // of ed25519 its 32 bytes, of ecdsa the uncompressed point
  std::string modulus;      // of rsa, big-endian without zeros in front
  std::string exponent;     // likewise
  std::string application;  // of a token's key: "ssh:"

  bool operator==(const PublicKey& other) const { return blob == other.blob; }
};

// The type that a name in wire form stands for: of a key, or with `of_certificate` of a
// certificate. An Error (unsupported) names it.
[[nodiscard]] Result<KeyType> key_type_of(std::string_view name, bool of_certificate = false);

// All of `blob` is a key. Certificates are not keys (certificate.h).
[[nodiscard]] Result<PublicKey> parse_public_key(std::string_view blob);
// What follows the name of a key's type. Reads no further than the key.
[[nodiscard]] Result<PublicKey> read_public_key(KeyType type, WireReader& reader);

// "SHA256:" and base64 without padding, as ssh-keygen -l shows it.
[[nodiscard]] std::string fingerprint_of(const PublicKey& key);

// What has to hold of the signature of a token's key.
struct TokenDemand {
  bool user_verified = false;  // by PIN or finger; that somebody touched it is always demanded
};

// `signature` is ssh's: the algorithm's name, then what that algorithm makes. Errors (untrusted):
// of another algorithm than the key's, damaged, or not of this message. start_openssl() was called.
[[nodiscard]] Status verify_signature(const PublicKey& key, std::string_view signature,
                                      std::string_view message, TokenDemand demand = {});

}  // namespace murder::trust
