// That an agent's key is this host's, signed by the host's ssh key: for coordinators that enrol
// agents by it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/public_key.h"

namespace murder::host {

inline constexpr const char* host_key_path_default = "/etc/ssh/ssh_host_ed25519_key";

// As hello carries it (trust/signature_file.h). `path`: of the host's private key; empty: the
// default one. Errors: it is missing, cannot be read, or is of another type. Blocks.
[[nodiscard]] Result<std::string> make_host_proof(const std::string& path, std::string_view host,
                                                  const trust::PublicKey& agent_key, int64_t now_s);

}  // namespace murder::host
