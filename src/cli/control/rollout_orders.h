// Orders about the rollout of an app.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/control/coordinator_client.h"
#include "cli/control/order_signing.h"

namespace murder::cli {

// A rollout out of an answer: the answer itself, or the first of its list.
[[nodiscard]] Json rollout_of(const Json& answer);

// `verb`: "pause", "resume", "abort", "undo"; signed for the hosts where there is a signer. The
// rollout as it is then; of a signer that saves an empty object: nothing was ordered.
[[nodiscard]] Result<Json> order_rollout(CoordinatorClient& client, std::string_view verb,
                                         const std::string& app, const OrderSigner* signer,
                                         const CommandContext& context);

// The same with orders that were signed before; null: none.
[[nodiscard]] Result<Json> give_rollout_order(CoordinatorClient& client, std::string_view verb,
                                              const std::string& app, Json orders);

// The latest rollout of the app. Errors: not_found: there was none.
[[nodiscard]] Result<Json> ask_rollout(CoordinatorClient& client, const std::string& app);

// The rollouts of an app that there were, the latest `most`: {"rollouts":[..]}.
[[nodiscard]] Result<Json> ask_history(CoordinatorClient& client, const std::string& app,
                                       uint32_t most);
// The same of all apps, in the order of their numbers.
[[nodiscard]] Result<Json> ask_history_of_all(CoordinatorClient& client, uint32_t most);

// Adds to a rollout when its waves began and when it came to its end, as the coordinator's log has
// it: `waves_began_s` and `ended_s`. How many hosts were told to activate the release; nothing
// where the log cannot be read.
std::optional<uint64_t> add_stage_times(CoordinatorClient& client, Json& rollout);

// The app that was meant: the one that was named, else the only one with a rollout.
[[nodiscard]] Result<std::string> meant_app(CoordinatorClient& client, const std::string& named);

}  // namespace murder::cli
