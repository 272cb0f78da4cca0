// The file with the key of this host's agent.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/agent_key.h"

namespace murder::host {

// The key in this file; where there is none, a new one that is there, mode 0600 and on the disk,
// when this returns. Of two processes that begin at the same time both get the same key. `comment`
// is written beside a new key, for people: the host's name. Errors: the file cannot be used (others
// may read it, not a key); it never is replaced. Blocks.
[[nodiscard]] Result<trust::AgentKey> load_or_make_agent_key(const std::string& path,
                                                             std::string_view comment);

}  // namespace murder::host
