// Asks a tracker from here, also a closed one where this machine has the fleet's key.
#pragma once

#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/http/reply.h"
#include "engine/trust/fleet_key.h"

namespace murder::fleet {

// GET, as http::blocking_request(). With the keys of a deploy, or else those of the key file, if
// this user may read it.
[[nodiscard]] Result<http::Reply> ask_tracker(
    const std::string& url, const http::RequestOptions& options,
    const std::optional<trust::FleetKeys>& of_deploy = {});

// What a closed tracker answers to who has not its key: it is there, and tells nothing.
[[nodiscard]] bool is_of_closed_tracker(const http::Reply& reply);

}  // namespace murder::fleet
