// Follows a rollout until it is over, with a live view. It only looks: the rollout goes on at the
// coordinator whatever becomes of this process and its terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/control/coordinator_client.h"
#include "cli/control/order_signing.h"
#include "cli/control/rollout_exit.h"
#include "cli/ui/command.h"

namespace murder::cli {

// What was answered to the question that ^C brings.
enum class Choice : uint8_t { leave, pause, abort, undo, watch };
// "p", "pause"; nothing: none of them.
[[nodiscard]] std::optional<Choice> parse_choice(std::string_view line);

struct FollowOptions {
  std::string app;
  uint64_t number = 0;                  // of the rollout; 0: the latest, whichever that is
  const OrderSigner* signer = nullptr;  // of what is ordered meanwhile; null: it is not signed
  bool prints_changes = false;  // with --json: a line for each change, not for the end alone
};

// Prints how it ended. The exit status.
[[nodiscard]] Result<int> follow_rollout(CoordinatorClient& client, const FollowOptions& options,
                                         const CommandContext& context);

}  // namespace murder::cli
