#include "cli/fleet/plan/host_state.h"

#include <doctest/doctest.h>

#include <vector>

#include "cli/fleet/plan/stage_times.h"

using namespace murder;
using namespace murder::fleet;
using std::chrono::milliseconds;

TEST_CASE("each host is counted once, in the state it is in") {
  using enum HostState;
  const StateCounts counts =
      count_states(std::vector{fetching, unpacking, ready, ready, failed, fetching});
  CHECK(count_of(counts, fetching) == 2);
  CHECK(count_of(counts, ready) == 2);
  CHECK(text_of(counts) == "6 hosts: 2 fetching, 1 unpacking, 2 ready, 1 failed");
  CHECK(text_of(count_states(std::vector{connecting})) == "1 host: 1 connecting");
  CHECK(text_of({}) == "0 hosts");
}

TEST_CASE("a host that unpacks has not got it") {
  CHECK(state_of_phase("unpacking") == HostState::unpacking);
  CHECK(state_of_phase("copying") == HostState::unpacking);
  CHECK(state_of_phase("verifying") == HostState::fetching);
  CHECK(state_of_phase("downloading") == HostState::fetching);
}

TEST_CASE("a stage lasts from its first begin to its last end, beside others") {
  const Instant start(milliseconds(5000));
  StageTimes times(start);
  times.begin("packing", start);
  times.begin("connect", start);
  times.end("connect", start + milliseconds(400));
  times.end("packing", start + milliseconds(200));
  times.begin("connect", start + milliseconds(500));
  times.end("connect", start + milliseconds(600));
  times.end("lock", start + milliseconds(600));
  REQUIRE(times.list().size() == 3);
  CHECK(times.list()[1].stage == "connect");
  CHECK(times.list()[1].end == milliseconds(600));
  CHECK(times.text() == "packing 0.20 s, connect 0.60 s");
}
