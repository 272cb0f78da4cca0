#include "engine/host/host_proof_file.h"

#include <fmt/format.h>

#include "engine/base/small_file.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/bounds.h"
#include "engine/trust/host_proof.h"
#include "engine/trust/signature_file.h"

namespace murder::host {

Result<std::string> make_host_proof(const std::string& path, std::string_view host,
                                    const trust::PublicKey& agent_key, int64_t now_s) {
  const std::string file = path.empty() ? host_key_path_default : path;
  const Result<std::string> text = read_small_file(file, limits::private_key_file_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  const Result<trust::AgentKey> key = trust::parse_private_key(*text);
  if (!key) {
    return fail(key.error().code, fmt::format("{}: {}", file, key.error().text));
  }
  const Result<codec::SignedStatement> proof = trust::sign_host_statement(
      {.host = std::string(host), .key = agent_key, .time_s = now_s}, *key);
  return proof ? Result<std::string>(trust::encode_signature_file(*proof)) : fail(proof.error());
}

}  // namespace murder::host
