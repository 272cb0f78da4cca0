#include "cli/fleet/tracker_feed.h"

#include <doctest/doctest.h>

#include "cli/fleet/deploy_state.h"

using namespace murder;
using namespace murder::fleet;

TEST_CASE("the part of a tracker's status that is about one release is found") {
  const std::string hash(40, 'a');
  const Json status = *parse_json(
      R"({"kind":"tracker","swarms":[{"info_hash":"00","seeders":9},{"name":"v1","info_hash":")" +
      hash +
      R"(","seeders":2,"leechers":3,"left_bytes":70,"total_bytes":100,"delivered_bytes":230,)"
      R"("leechers_by_tenth":[1,2,0,0,0,0,0,0,0,0],"slowest":[)"
      R"({"host":"w1","address":"10.0.0.1:5","left_bytes":95},)"
      R"({"host":null,"address":"10.0.0.2:5","left_bytes":1000}]}]})");
  const std::optional<SwarmView> view = swarm_view_of(status, *InfoHash::from_hex(hash));
  REQUIRE(view);
  CHECK(view->seeders == 2);
  CHECK(view->leechers == 3);
  CHECK(view->delivered_bytes == 230);
  CHECK(view->leechers_by_tenth[1] == 2);
  REQUIRE(view->slowest.size() == 2);
  CHECK(view->slowest[0].host == "w1");
  CHECK(view->slowest[0].percent == 5);
  CHECK(view->slowest[1].host == "10.0.0.2:5");
  CHECK(view->slowest[1].percent == 0);
  CHECK_FALSE(swarm_view_of(status, InfoHash{}));
}

TEST_CASE("whatever another program answers is no status") {
  for (const char* text : {"[]", "{}", "1", R"({"swarms":1})", R"({"swarms":[1,"x",null]})",
                           R"({"swarms":[{"info_hash":1}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(swarm_view_of(*parse_json(text), InfoHash{}));
  }
}

TEST_CASE("the status is beside the announce") {
  CHECK(status_url("http://t:8998/announce") == "http://t:8998/status.json");
  CHECK(status_url("http://t/x/announce") == "http://t/x/status.json");
}

TEST_CASE("the state of a deploy is read back as it was written") {
  const DeployState state{.tag = "v 1",
                          .destination_path = "/srv/app",
                          .info_hash = std::string(40, 'b'),
                          .hosts_expected = 1200,
                          .is_activated = true,
                          .done = {"h1", "h2"},
                          .failed = {"h3"}};
  CHECK(decode_deploy_state(encode_deploy_state(state)) == state);
  CHECK_FALSE(decode_deploy_state("{}"));
  CHECK_FALSE(decode_deploy_state("no json"));
}
