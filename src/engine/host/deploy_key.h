// The key of a deploy, as it is told to a tracker of this host.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/host/processes.h"
#include "engine/trust/hmac.h"

namespace murder::host {

inline constexpr std::string_view deploy_key_path = "/deploy-key";  // of a tracker's control socket

struct DeployKeyMessage {
  std::string deploy;                // 1 to 64 letters and digits
  std::optional<trust::Secret> key;  // none: it is to be forgotten
};
[[nodiscard]] Result<DeployKeyMessage> parse_deploy_key_message(std::string_view text);
[[nodiscard]] std::string deploy_key_message(std::string_view deploy, std::string_view key);

// The deploy has this key ("murder-fleet-1-...") at the tracker from now on, or none if it is
// empty. An Error (unsupported): the tracker is of an older version. Blocks for 20 s at most: who
// gave up sooner would leave a swarm open because its tracker is slow.
[[nodiscard]] Status tell_deploy_key(const RunDirectory& directory, const RunningProcess& tracker,
                                     std::string_view deploy, std::string_view key);

}  // namespace murder::host
