// The file that says whose signatures this host trusts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/trust/allowed_signers.h"

namespace murder::host {

inline constexpr const char* allowed_signers_path = "/etc/murder/allowed_signers";

// nullopt: there is no such file, and nobody has to sign. Errors name the file: it cannot be read,
// others may write it or what leads to it (conflict), its directives are not understood. Blocks.
[[nodiscard]] Result<std::optional<trust::AllowedSigners>> load_allowed_signers(
    const std::string& path);

// Seconds since 1970 of what a clock of this host's time zone shows.
[[nodiscard]] int64_t seconds_of_local(const trust::CivilTime& time);

}  // namespace murder::host
