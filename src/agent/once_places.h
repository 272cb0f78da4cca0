// Agents that were started for the time of a deploy leave nothing on their host but the release:
// what they fetched into and served from goes with them. What one that was killed has left goes
// with the next one. Each has a state directory of its own, RUN/agent-NAME, with a note of what it
// works on. All of this blocks: before an agent's loop begins, and after its end.
#pragma once

#include <string>
#include <string_view>

#include "agent/agent_options.h"
#include "agent/state_directory.h"
#include "engine/base/result.h"

namespace murder::agent {

// The file in its state directory with the keys of the deploy, for what the agent starts.
inline constexpr const char* once_key_name = "fleet.key";

// Of the agent that a deploy calls `token` (letters and digits; empty: it has none).
[[nodiscard]] std::string once_state_directory(const std::string& run_directory,
                                               std::string_view token);

// Ends agents of earlier deploys that work on a directory of releases of `options`, and removes
// what dead ones left. An agent of this deploy is killed: the next one continues where it was.
// Errors: one is still there after it was told to end.
[[nodiscard]] Status clear_once_places(const std::string& run_directory,
                                       const AgentOptions& options);
// What the next one finds of this agent.
[[nodiscard]] Status note_once_place(const StateDirectory& state, const AgentOptions& options);

// Ends what serves or fetches for this agent, and removes archives, torrents and all that its state
// directory has. `keep_partial`: but not an archive that is not whole and lies elsewhere. An Error
// says what is left.
[[nodiscard]] Status leave_no_trace(const StateDirectory& state, const AgentOptions& options,
                                    bool keep_partial);

}  // namespace murder::agent
