// What `murder doctor` says about signed releases: whether this host demands signatures, whose, and
// what ends soon. Pure: facts in, findings out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/doctor/finding.h"
#include "engine/base/result.h"
#include "engine/host/serial_marks.h"
#include "engine/trust/allowed_signers.h"

namespace murder::cli {

// A release that is in place, with the signature that it came with.
struct SignedTarget {
  std::string directory;
  host::SerialMark mark;
};

struct TrustFacts {
  std::string path;  // of the allowed signers
  Result<std::optional<trust::AllowedSigners>> allowed = std::nullopt;
  std::vector<std::string> fingerprints;  // of their keys, in the same order
  int64_t unix_seconds = 0;
  std::vector<SignedTarget> targets;  // of the directories that were named
  std::vector<std::string> unread;    // why others of them could not be looked at
};

[[nodiscard]] std::vector<Finding> check_trust(const TrustFacts& facts);

}  // namespace murder::cli
