// SSHSIG, the signatures of `ssh-keygen -Y sign` (OpenSSH's PROTOCOL.sshsig).
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/openssl.h"

namespace murder::trust {

struct SshSignature {
  std::string key;         // in wire form: of a key or a certificate
  std::string name_space;  // what it is for: "murder-release"
  HashAlgorithm hash = HashAlgorithm::sha512;
  std::string signature;  // ssh's, of signed_data_of()
};

// All of `blob` is a signature; nothing is verified.
[[nodiscard]] Result<SshSignature> parse_ssh_signature(std::string_view blob);
[[nodiscard]] std::string encode_ssh_signature(const SshSignature& signature);

// What was signed, for this message. start_openssl() was called.
[[nodiscard]] std::string signed_data_of(const SshSignature& signature, std::string_view message);

inline constexpr std::string_view armour_begin = "-----BEGIN SSH SIGNATURE-----";
inline constexpr std::string_view armour_end = "-----END SSH SIGNATURE-----";

// The blob from its text, which begins with armour_begin and ends with armour_end; line breaks may
// follow.
[[nodiscard]] Result<std::string> remove_armour(std::string_view text);
// Byte for byte as ssh-keygen writes it.
[[nodiscard]] std::string add_armour(std::string_view blob);

}  // namespace murder::trust
