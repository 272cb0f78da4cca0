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

}  // namespace murder::fleet
