#include "cli/fleet/plan/fetch_reason.h"

#include <fmt/format.h>

namespace murder::fleet {

std::string reason_nothing_came(std::string_view why, std::string_view peer_port) {
  return fmt::format(
      "{}: nothing came from any other host; if a firewall is between them, it has to let hosts "
      "connect to each other at TCP {}",
      why,
      peer_port.empty()
          ? std::string("ports, which --peer-port can name")
          : fmt::format("{}{}", peer_port.find('-') == std::string_view::npos ? "port " : "ports ",
                        peer_port));
}

std::string reason_of_peer(std::string why) {
  // As node::TrackerClient::trouble() and the peer put it.
  const bool is_stalled = why.starts_with("no data received for ");
  return is_stalled && why.find("(tracker http") != std::string::npos
             ? why +
                   "; where a firewall keeps it from the tracker's port, a deploy by a "
                   "coordinator, without --no-coordinate, passes it on over ssh"
             : why;
}

}  // namespace murder::fleet
