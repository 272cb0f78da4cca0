// What the operator sees while hosts are at work, as text (cli/ui/live_lines.h draws it).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet/plan/host_state.h"
#include "cli/fleet/tracker_feed.h"
#include "engine/base/instant.h"

namespace murder::fleet {

struct LiveState {
  std::string title;  // "v42 to /srv/app"
  std::string stage;
  Duration elapsed{};
  uint32_t hosts = 0;  // of this stage
  uint32_t hosts_done = 0;
  uint32_t hosts_failed = 0;
  uint32_t failed_before = 0;  // in earlier stages
  // Of a deploy: each host in one state; it takes the place of the numbers above.
  std::optional<StateCounts> counts;
  std::optional<SwarmView> own_view;  // what the hosts told over ssh; used when no tracker answers
  std::optional<SwarmView> swarm;
  Duration swarm_age{};
  std::string swarm_trouble;
  double bytes_per_second = 0;
};

// Printable.
[[nodiscard]] std::vector<std::string> format_live_screen(const LiveState& state);
// The same in one line of any length.
[[nodiscard]] std::string format_live_line(const LiveState& state);

}  // namespace murder::fleet
