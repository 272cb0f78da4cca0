// How a rollout ended, as an exit status.
#pragma once

#include <optional>
#include <string_view>

namespace murder::cli {

// Exit statuses of `rollout start` and `rollout status --watch`, besides 0 (done), 1 and 2.
inline constexpr int exit_held = 3;
inline constexpr int exit_aborted = 4;
inline constexpr int exit_undone = 5;
inline constexpr int exit_goes_on = 6;
inline constexpr int exit_signal_base = 128;

// Of a rollout that is over, or that waits for an operator; nothing: it goes on by itself.
[[nodiscard]] std::optional<int> exit_of_state(std::string_view state);

}  // namespace murder::cli
