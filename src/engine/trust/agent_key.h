// The Ed25519 key of an agent: how a coordinator knows it again, and what it signs its outcomes by
// (docs/protocol.md, "Agents' keys"). Kept in OpenSSH's format for private keys, so that ssh-keygen
// shows and converts it. Pure: randomness is an argument, files are engine/host/agent_key_file.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/hmac.h"
#include "engine/trust/public_key.h"

namespace murder::trust {

struct AgentKey {
  Secret seed{};  // RFC 8032's private key
  PublicKey public_key;
};

// From 32 random bytes. An Error (limit): OpenSSL has no memory.
[[nodiscard]] Result<AgentKey> agent_key_of(const Secret& seed);

// As ssh-keygen writes it, without a passphrase. The comment is one line.
[[nodiscard]] std::string encode_private_key(const AgentKey& key, std::string_view comment);
// An Ed25519 key without a passphrase; so are most keys of ssh's servers. Errors never repeat the
// text.
[[nodiscard]] Result<AgentKey> parse_private_key(std::string_view text);

// A signature as `ssh-keygen -Y sign -n NAMESPACE` makes it, without armour (ssh_signature.h).
[[nodiscard]] Result<std::string> sign_text(const AgentKey& key, std::string_view name_space,
                                            std::string_view text);
// Whether `key` made this signature over the text, for that namespace. Errors: untrusted.
[[nodiscard]] Status verify_text(const PublicKey& key, std::string_view name_space,
                                 std::string_view text, std::string_view blob);

// --- What an agent proves when it connects -------------------------------------------------------

inline constexpr std::string_view agent_namespace = "murder-agent";

// Names are 1 to 253 printable ASCII characters without blanks.
struct AgentProof {
  std::string nonce;        // of the coordinator for this connection: 64 hexadecimal digits
  std::string coordinator;  // what it calls itself in its challenge
  std::string host;
  uint64_t session = 0;
};

// What is signed. Errors: what of it cannot be signed.
[[nodiscard]] Result<std::string> agent_proof_text(const AgentProof& proof);

// The members `key` and `signature` of an agent's hello.
struct SignedHello {
  std::string key;        // "ssh-ed25519 AAAA..."
  std::string signature;  // base64 of a signature for agent_namespace
};
[[nodiscard]] Result<SignedHello> sign_hello(const AgentKey& key, const AgentProof& proof);
// The key that the agent proved; fingerprint_of() it is the agent's identity. Errors (untrusted)
// are sentences for the agent's operator.
[[nodiscard]] Result<PublicKey> verify_hello(const SignedHello& hello, const AgentProof& proof);

}  // namespace murder::trust
