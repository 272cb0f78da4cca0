// Follows a rollout until it is over, with a live view. It only looks: the rollout goes on at the
// coordinator whatever becomes of this process and its terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/control/coordinator_client.h"
#include "cli/ui/command.h"

namespace murder::cli {

// Exit statuses of `rollout start` and `rollout status --watch`, besides 0 (done), 1 and 2.
inline constexpr int exit_held = 3;
inline constexpr int exit_aborted = 4;
inline constexpr int exit_undone = 5;
inline constexpr int exit_goes_on = 6;
inline constexpr int exit_signal_base = 128;

// Of a rollout that is over, or that waits for an operator; nothing: it goes on by itself.
[[nodiscard]] std::optional<int> exit_of_state(std::string_view state);

// What was answered to the question that ^C brings.
enum class Choice : uint8_t { leave, pause, abort, undo, watch };
// "p", "pause"; nothing: none of them.
[[nodiscard]] std::optional<Choice> parse_choice(std::string_view line);

struct FollowOptions {
  std::string app;
  uint64_t number = 0;          // of the rollout; 0: the latest, whichever that is
  bool prints_changes = false;  // with --json: a line for each change, not for the end alone
};

// Prints how it ended. The exit status.
[[nodiscard]] Result<int> follow_rollout(CoordinatorClient& client, const FollowOptions& options,
                                         const CommandContext& context);

}  // namespace murder::cli
