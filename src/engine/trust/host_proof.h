// That an agent's key is that of a host, proven by the host's ssh key: a text in one spelling only,
// signed with `ssh-keygen -Y sign -n murder-agent-key -f /etc/ssh/ssh_host_ed25519_key`, or by the
// agent itself (docs/protocol.md, "Enrolment").
//
//   murder-agent-key 1
//   host web7
//   key ssh-ed25519 AAAA...
//   time 2026-11-29T16:31:12Z
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/codec/signed_statement.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/known_hosts.h"

namespace murder::trust {

// The namespace of its signatures.
inline constexpr std::string_view host_proof_namespace = "murder-agent-key";

struct HostStatement {
  std::string host;
  PublicKey key;       // the agent's
  int64_t time_s = 0;  // when it was made, for people

  bool operator==(const HostStatement&) const = default;
};

// Of a valid one: a name as of AgentProof, a time in the years 1970 to 9999.
[[nodiscard]] Result<std::string> encode_host_statement(const HostStatement& statement);
// Accepts what encode_host_statement() writes, byte for byte, and nothing else.
[[nodiscard]] Result<HostStatement> parse_host_statement(std::string_view text);

// Signed by a host key of ssh that is of type ed25519. The statement and its signature travel, and
// are kept in a file, as those of a release (signature_file.h).
[[nodiscard]] Result<codec::SignedStatement> sign_host_statement(const HostStatement& statement,
                                                                 const AgentKey& host_key);

struct HostQuestion {
  std::string_view host;                 // what the agent calls itself
  const PublicKey* agent_key = nullptr;  // that it proved
  uint16_t ssh_port = 22;
  int64_t now_s = 0;
};
// That the host's ssh key, by the known hosts, signed for this agent's key. One right signature is
// enough, of a key or a certificate. Errors (untrusted) are sentences for the operator.
[[nodiscard]] Status verify_host_proof(const codec::SignedStatement& proof, const KnownHosts& known,
                                       const HostQuestion& question);

}  // namespace murder::trust
