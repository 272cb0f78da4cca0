// Who may ask a coordinator for what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/http/handler.h"
#include "engine/trust/request_token.h"

namespace murder::coordinator {

enum class Access : uint8_t {
  agent,  // be an agent, fetch torrents
  read,   // see releases, rollouts, agents, the audit log
  order,  // change any of it
};

struct PermissionRules {
  const trust::TokenKeys* keys = nullptr;  // nullptr: the coordinator is open
  bool orders_from_anywhere = false;       // of an open one: not from its own host alone
};

struct Permission {
  std::optional<http::Response> refusal;
  std::string proof;  // what was proven of who asks: "operator key", "local"
};

// Pure; `now_s` in seconds since 1970. What a stranger is told by a closed one is the same whatever
// he asks for.
[[nodiscard]] Permission permission_of(const http::Request& request, Access access,
                                       const PermissionRules& rules, uint64_t now_s);

// Over the loopback or a local socket, or from one of this host's addresses to the same one.
[[nodiscard]] bool comes_from_here(const http::Request& request);

// Who asked, for records: what was proven, and what the client says of itself ("mike@laptop").
// Errors: it says what is no name.
[[nodiscard]] Result<std::string> name_of_asker(const std::string& proof,
                                                const std::string& claimed);

}  // namespace murder::coordinator
