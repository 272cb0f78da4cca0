#include "cli/fleet/tracker_use.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::fleet;

namespace {

// A seeder of aa, and two trackers: one with nothing, one with three releases.
const Json status = parse_json(R"({"processes":[
  {"kind":"seeder","tag":"v1","info_hash":"aa","address":"[::]:8998"},
  {"kind":"peer","tag":"v2","info_hash":"bb"},
  {"kind":"tracker","address":"0.0.0.0:18998, [::]:18998","details":{"swarms":[]}},
  {"kind":"tracker","address":"0.0.0.0:8998","details":{"swarms":[
    {"name":"v1","info_hash":"aa","seeders":1,"leechers":0},
    {"name":"v2","info_hash":"bb","seeders":5,"leechers":0},
    {"name":null,"info_hash":"cc","seeders":0,"leechers":0}]}}]})")
                        .value();

Json tracker_with(const char* name, uint64_t seeders, uint64_t leechers) {
  const Json swarm = {
      {"name", name}, {"info_hash", "dd"}, {"seeders", seeders}, {"leechers", leechers}};
  return {{"details", {{"swarms", Json::array({swarm})}}}};
}

}  // namespace

TEST_CASE("a tracker is known by the port it listens on, whole and on any address") {
  REQUIRE(tracker_on(status, 8998) != nullptr);
  CHECK(text_member(*tracker_on(status, 8998), "address") == "0.0.0.0:8998");
  CHECK(tracker_on(status, 18998) != tracker_on(status, 8998));
  CHECK(tracker_on(status, 998) == nullptr);
  CHECK(tracker_on(status, 899) == nullptr);
  CHECK(tracker_on(Json(), 8998) == nullptr);
}

TEST_CASE("a tracker is kept for what is served or fetched, not for hosts that have finished") {
  const std::vector<std::string> served = served_releases(status);
  CHECK(served == std::vector<std::string>{"aa"});
  const Json& busy = *tracker_on(status, 8998);
  CHECK(releases_of(busy).size() == 2);
  CHECK(reason_to_keep(busy, served) == "v1 is distributed through it (it is served)");
  CHECK(reason_to_keep(busy, {}).empty());
  CHECK(reason_to_keep(*tracker_on(status, 18998), served).empty());
  CHECK(reason_to_keep(tracker_with("v3", 1, 2), {}) ==
        "v3 is distributed through it (2 hosts fetch it)");
  CHECK(reason_to_keep(tracker_with("", 0, 1), {}) ==
        "dd is distributed through it (1 host fetches it)");
}

TEST_CASE("after a deploy its tracker is kept for any other release that hosts are there of") {
  CHECK(reason_to_keep_after(tracker_with("v3", 1, 1), "dd").empty());
  CHECK(reason_to_keep_after(tracker_with("v3", 1, 0), "aa") ==
        "v3 is distributed through it (it is served)");
  CHECK(reason_to_keep_after(tracker_with("v3", 0, 0), "aa").empty());
}
