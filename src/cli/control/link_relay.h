// The other end of `murder agent --stdio`: passes the frames of an agent's link on to a coordinator
// and back, and asks the coordinator's port for what the agent's host wants of it
// (control/relay_messages.h). Run where the coordinator is reached: on the machine that deploys, or
// over ssh on the coordinator's host.
#pragma once

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder::cli {

struct LinkRelay {
  HostPort coordinator;
  int input = -1;   // frames of the agent
  int output = -1;  // and to it
  // A coordinator that nobody has reached yet is tried for so long: it may be started again.
  Duration first_max{};
};

// Blocking; one thread. Until the agent's end is closed: a coordinator that is lost is connected to
// again, when the agent asks for its link anew: in a closed fleet both prove the key through here,
// for each connection. Errors: no connection succeeded in `first_max`; what comes from the agent
// are no frames.
[[nodiscard]] Status relay_link(const LinkRelay& relay);

}  // namespace murder::cli
