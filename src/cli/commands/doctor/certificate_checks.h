// What `murder doctor` says about the certificate of a tracker that is reached by https. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/commands/doctor/finding.h"
#include "engine/base/result.h"

namespace murder::cli {

struct ShownCertificate {
  int64_t expires_s = 0;
  std::string pin;
};

struct CertificateFacts {
  std::string config_path;  // of the tracker
  std::string path;         // of the certificate, as it is configured
  Result<std::optional<ShownCertificate>> shown = std::nullopt;  // nothing: none is configured
  int64_t unix_seconds = 0;
};

// Nothing where no tracker of this host has one.
[[nodiscard]] std::optional<Finding> check_certificate(const CertificateFacts& facts);

}  // namespace murder::cli
