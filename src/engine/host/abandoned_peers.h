// What peers left that ended before they had the release: their archives, which serve the next
// attempt, and their logs. An attempt that never comes leaves them behind, so they go by age.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/instant.h"
#include "engine/host/run_directory.h"

namespace murder::host {

inline constexpr Duration abandoned_after = std::chrono::hours(72);

// Whether what an outcome speaks of may be removed. `state`: of the outcome.
[[nodiscard]] bool is_abandoned(std::string_view state, Duration age, bool is_running);

// Of all tags but this one.
void remove_abandoned(const RunDirectory& directory, const std::string& tag_at_work);

}  // namespace murder::host
