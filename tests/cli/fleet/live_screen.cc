#include "cli/fleet/live_screen.h"

#include <doctest/doctest.h>

#include <array>

using namespace murder;
using namespace murder::fleet;

namespace {

LiveState state_with_swarm() {
  LiveState state{.title = "v42 to /srv/app",
                  .stage = "peer",
                  .elapsed = std::chrono::seconds(12),
                  .hosts = 16,
                  .hosts_done = 9,
                  .hosts_failed = 1,
                  .failed_before = 2};
  state.swarm = SwarmView{.seeders = 10,
                          .leechers = 6,
                          .total_bytes = 1000,
                          .delivered_bytes = 750,
                          .left_bytes = 250,
                          .leechers_by_tenth = {0, 1, 0, 0, 4, 0, 0, 0, 0, 1},
                          .slowest = {{"h05", 12}, {"h07", 43}}};
  state.bytes_per_second = 125;
  return state;
}

}  // namespace

TEST_CASE("the screen says how many hosts are where, how fast and who is behind") {
  const std::vector<std::string> lines = format_live_screen(state_with_swarm());
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "v42 to /srv/app: peer, 12 s");
  CHECK(lines[1] == "  hosts     9 of 16 hosts done, 6 running, 3 failed");
  CHECK(lines[2] == "  progress  0% [  ::    ##        ::] 100%  6 fetching, 10 have it");
  CHECK(lines[3] == "  all       75% delivered, 125 B/s, about 2.0 s left");
  CHECK(lines[4] == "  behind    h05 12%, h07 43%");
}

TEST_CASE("a tracker that went silent is told, and old figures are not passed off as new ones") {
  LiveState state = state_with_swarm();
  state.swarm_age = std::chrono::seconds(30);
  state.swarm_trouble = "tracker: Connection refused";
  const std::vector<std::string> lines = format_live_screen(state);
  CHECK(lines.back() ==
        "  tracker   tracker: Connection refused (hosts continue with the peers they know)");
  CHECK(format_live_line(state) ==
        "peer: 9 of 16 hosts done, 6 running, 3 failed; tracker: Connection refused");
}

TEST_CASE("off a terminal the same is one line") {
  CHECK(format_live_line(state_with_swarm()) ==
        "peer: 9 of 16 hosts done, 6 running, 3 failed; 75% delivered, 125 B/s, about 2.0 s left; "
        "behind: h05 12%, h07 43%");
}

TEST_CASE("where no host fetches, nothing is said of the time that is left") {
  LiveState state = state_with_swarm();
  state.counts = count_states(std::array{HostState::connecting, HostState::ready});
  CHECK(format_live_screen(state)[3] == "  all       75% fetched");
  state.counts = count_states(std::array{HostState::fetching, HostState::ready});
  CHECK(format_live_screen(state)[3] == "  all       75% fetched, 125 B/s, about 2.0 s left");
}
