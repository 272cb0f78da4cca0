// Statements, signers and who may sign, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/trust/verify_release.h"

namespace murder::cli {

[[nodiscard]] Json statement_json(const trust::ReleaseStatement& statement);
[[nodiscard]] Json signers_json(const std::vector<trust::Signer>& signers);

// Its lines, without the first one, which names the format.
[[nodiscard]] std::vector<std::string> lines_of(const trust::ReleaseStatement& statement);

// "2026-12-29T16:31:12Z"; the empty text of none.
[[nodiscard]] std::string time_or_nothing(const std::optional<int64_t>& seconds);

}  // namespace murder::cli
