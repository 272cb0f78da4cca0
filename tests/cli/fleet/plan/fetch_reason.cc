#include "cli/fleet/plan/fetch_reason.h"

#include <doctest/doctest.h>

using namespace murder::fleet;

TEST_CASE("a host to which nothing came is told which ports hosts need") {
  CHECK(reason_nothing_came("late", "51000-51099").ends_with("at TCP ports 51000-51099"));
  CHECK(reason_nothing_came("late", "51000").ends_with("at TCP port 51000"));
  CHECK(reason_nothing_came("late", "").ends_with("at TCP ports, which --peer-port can name"));
  CHECK(reason_nothing_came("late", "").starts_with("late: nothing came"));
}

TEST_CASE("a host that a command over ssh serves is told what there is for one without a tracker") {
  CHECK(reason_of_peer("no data received for 30 s; 0 B of 3 MiB fetched (tracker "
                       "http://10.0.0.1:8998/announce: timed out)")
            .ends_with("without --no-coordinate, passes it on over ssh"));
  for (const char* other :
       {"no data received for 30 s; 0 B of 3 MiB fetched (2 peers are connected)",
        "no room on the disk", ""}) {
    CHECK(reason_of_peer(other) == other);
  }
}
