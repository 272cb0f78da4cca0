// Standard input and output of `murder agent --stdio`.
#pragma once

#include <cstdint>
#include <string>

#include "agent/agent_options.h"
#include "agent/stdio_relay.h"
#include "engine/base/result.h"

namespace murder::cli {

// The first frame, and nothing of what comes behind it. Blocks.
[[nodiscard]] Result<std::string> read_frame_of_input(uint64_t bytes_max);

// Frames are all that standard output has from now on: what is said goes to standard error. The
// coordinator of `options` becomes a port on the loopback, for what this host asks it for.
[[nodiscard]] Result<agent::StdioEnds> take_standard_streams(agent::AgentOptions& options);

}  // namespace murder::cli
