// The certificate of a tracker that is reached by https, and its key, from their files.
#pragma once

#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/tls/server_context.h"

namespace murder::cli {

struct CertificatePaths {
  std::string certificate;
  std::string key;
};

// nullopt: neither is named. Errors: one of them is missing, cannot be read, or is wrong; a key
// that every user of the host can read.
[[nodiscard]] Result<std::optional<tls::ServerContext>> load_certificate(
    const CertificatePaths& paths);

}  // namespace murder::cli
