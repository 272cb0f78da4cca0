// The file of `murder agent --config`: agent.toml.
#pragma once

#include <string>
#include <string_view>

#include "agent/agent_options.h"
#include "engine/base/result.h"

namespace murder::cli {

inline constexpr const char* agent_config_path_default = "/etc/murder/agent.toml";
inline constexpr const char* agent_state_default = "/var/lib/murder-agent";

// One for the time of a deploy may keep all releases, and have paths below "~".
enum class AgentKind : uint8_t { of_a_host, of_a_deploy };

// Errors name the line. Unknown keys are errors. `path` is for their texts. What the file does not
// say has its default.
[[nodiscard]] Result<agent::AgentOptions> parse_agent_config(std::string_view text,
                                                             const std::string& path,
                                                             AgentKind kind = AgentKind::of_a_host);
// The file must belong to us or root, and nobody else may write it: it names commands.
[[nodiscard]] Result<agent::AgentOptions> load_agent_config(const std::string& path);

}  // namespace murder::cli
