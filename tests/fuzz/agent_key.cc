// Fuzzes private keys in OpenSSH's format, lines with public keys, and an agent's hello (key and
// signature, a line each): what is accepted is written as it was meant, and nothing proves a key
// that did not sign.

#include <cstdint>
#include <string>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/key_line.h"
#include "engine/trust/openssl.h"

using namespace murder;
using namespace murder::trust;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool is_started = start_openssl().has_value();
  ENSURE(is_started);
  const std::string_view text = as_text_of({data, size});
  if (const Result<AgentKey> key = parse_private_key(text)) {
    const Result<AgentKey> again = parse_private_key(encode_private_key(*key, "a comment"));
    ENSURE(again && again->seed == key->seed && again->public_key == key->public_key);
  }
  if (const Result<PublicKey> key = parse_key_line(text)) {
    ENSURE(parse_key_line(key_line_of(*key)) == *key);
  }
  const size_t end = text.find('\n');
  const SignedHello hello{.key = std::string(text.substr(0, end)),
                          .signature = end < text.size() ? std::string(text.substr(end + 1)) : ""};
  const AgentProof proof{.nonce = std::string(64, '0'),
                         .coordinator = "a coordinator's name that no agent signs",
                         .host = "web7",
                         .session = 1};
  ENSURE(!verify_hello(hello, proof));
  AgentProof valid = proof;
  valid.coordinator = "c1:8998";
  // A seed holds one that is right.
  if (const Result<PublicKey> key = verify_hello(hello, valid)) {
    ENSURE(hello.key.starts_with(key_line_of(*key)) || parse_key_line(hello.key) == *key);
    valid.session = 2;
    ENSURE(!verify_hello(hello, valid));
  }
  return 0;
}
