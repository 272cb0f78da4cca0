#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "tracker/snapshot.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

namespace {

struct ShownSwarms {
  PeerTable table{{.hash_seed = 5}};
  Prng prng{1};
  std::optional<uint64_t> total_bytes;

  void announce(uint32_t swarm, uint32_t number, uint64_t left_bytes, const std::string& name) {
    codec::AnnounceReply reply;
    table.announce({.info_hash = hash_number(swarm),
                    .peer_id = own_peer(number),
                    .port = 6881,
                    .left_bytes = left_bytes,
                    .name = name,
                    .host = total_bytes ? "host-" + std::to_string(number) : "",
                    .total_bytes = total_bytes,
                    .rack = total_bytes && number % 2 == 0 ? "r" + std::to_string(number) : ""},
                   v4_number(number), start, prng, reply);
  }
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a snapshot lists swarms in which somebody fetches first, those without peers last") {
  ShownSwarms fixture;
  fixture.announce(1, 1, 10, "zebra");
  fixture.announce(2, 2, 0, "apple");
  fixture.announce(3, 3, 0, "aardvark");
  codec::AnnounceReply reply;
  fixture.table.announce({.info_hash = hash_number(3),
                          .peer_id = own_peer(3),
                          .port = 6881,
                          .event = codec::AnnounceEvent::stopped},
                         v4_number(3), start, fixture.prng, reply);
  Snapshot snapshot = take_snapshot(fixture.table, start + 5s, {.lines_max = 10});
  REQUIRE(snapshot.swarms.size() == 3);
  CHECK(snapshot.swarms[0].name == "zebra");
  CHECK(snapshot.swarms[0].counts.left_bytes == 10);
  CHECK(snapshot.swarms[0].since_last_announce == 5s);
  CHECK(snapshot.swarms[1].name == "apple");
  CHECK(snapshot.swarms[2].name == "aardvark");
  CHECK(snapshot.totals.seeder_count == 1);
  snapshot = take_snapshot(fixture.table, start, {.lines_max = 2});
  CHECK(snapshot.swarms.size() == 2);
  CHECK(snapshot.swarm_count == 3);
}

TEST_CASE("the page shows releases with escaped names and says how many more there are") {
  ShownSwarms fixture;
  fixture.announce(1, 1, 3 * 1024, "<script>alert('x')</script>");
  fixture.announce(1, 2, 0, "");
  fixture.announce(2, 3, 0, "web-v42.tar.zst");
  const std::string page =
      render_status_page(take_snapshot(fixture.table, start + 2s, {.lines_max = 10}));
  CHECK_FALSE(contains(page, "<script>"));
  CHECK(contains(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
  CHECK(contains(page, "web-v42.tar.zst"));
  CHECK(contains(page, hash_number(1).hex()));
  CHECK(contains(page, "1 of 2"));
  CHECK(contains(page, "3 KiB"));
  CHECK(contains(page, "2 releases, 2 seeders, 1 leechers"));
  CHECK(contains(page, "http-equiv=\"refresh\""));
  CHECK_FALSE(contains(page, "://"));  // nothing from elsewhere
  CHECK(contains(render_status_page(take_snapshot(fixture.table, start, {.lines_max = 1})),
                 "and 1 more"));
}

TEST_CASE("the page of an idle tracker says so") {
  const ShownSwarms fixture;
  CHECK(contains(render_status_page(take_snapshot(fixture.table, start, {.lines_max = 10})),
                 "No release is being distributed."));
}

TEST_CASE("the JSON status is one object with escaped names") {
  ShownSwarms fixture;
  fixture.announce(1, 1, 10, "say \"hi\\\"");
  fixture.announce(2, 2, 0, "");
  Snapshot snapshot = take_snapshot(fixture.table, start + 1s, {.lines_max = 10});
  snapshot.uptime = 90s;
  CHECK(render_status_json(snapshot) ==
        "{\"kind\":\"tracker\",\"uptime_s\":90.000,\"announces\":0,\"scrapes\":0,\"releases\":2,"
        "\"peers\":2,"
        "\"seeders\":1,\"leechers\":1,\"left_bytes\":10,\"swarms\":["
        "{\"name\":\"say \\\"hi\\\\\\\"\","
        "\"info_hash\":\"0000000000000000000000000000000000000001\",\"seeders\":0,"
        "\"leechers\":1,\"completed\":0,\"left_bytes\":10,\"since_last_announce_s\":1.000,"
        "\"total_bytes\":0,\"delivered_bytes\":0,"
        "\"leechers_by_tenth\":[0,0,0,0,0,0,0,0,0,0],\"slowest\":[],\"rack_count\":0,\"racks\":[],"
        "\"sources\":0,\"done\":0,\"hosts\":1,\"percent\":null,\"rate_bytes_per_s\":0,"
        "\"elapsed_s\":1.000,\"remaining_s\":null,\"lost_count\":0,\"lost\":[]},"
        "{\"name\":null,\"info_hash\":\"0000000000000000000000000000000000000002\",\"seeders\":1,"
        "\"leechers\":0,\"completed\":0,\"left_bytes\":0,\"since_last_announce_s\":1.000,"
        "\"total_bytes\":0,\"delivered_bytes\":0,"
        "\"leechers_by_tenth\":[0,0,0,0,0,0,0,0,0,0],\"slowest\":[],\"rack_count\":0,\"racks\":[],"
        "\"sources\":0,\"done\":1,\"hosts\":1,\"percent\":100,\"rate_bytes_per_s\":0,"
        "\"elapsed_s\":null,\"remaining_s\":null,\"lost_count\":0,\"lost\":[]}]}\n");
}

TEST_CASE("the JSON status tells how far the leechers and racks are and names the slowest") {
  ShownSwarms fixture;
  fixture.total_bytes = 1000;
  fixture.announce(1, 1, 1000, "v42");
  fixture.announce(1, 2, 900, "v42");
  fixture.announce(1, 3, 1, "v42");
  fixture.announce(1, 4, 0, "v42");
  fixture.announce(1, 1, 650, "v42");
  const InfoHash only = hash_number(1);
  fixture.announce(2, 5, 0, "other");
  const std::string json = render_status_json(take_snapshot(
      fixture.table, start, {.lines_max = 9, .slowest_max = 2, .racks_max = 9, .only = &only}));
  CHECK(contains(
      json,
      "\"total_bytes\":1000,\"delivered_bytes\":350,"
      "\"leechers_by_tenth\":[0,1,0,1,0,0,0,0,0,1],\"slowest\":["
      "{\"host\":\"host-2\",\"address\":\"10.0.0.2:6881\",\"left_bytes\":900,\"rack\":\"r2\"},"
      "{\"host\":\"host-1\",\"address\":\"10.0.0.1:6881\",\"left_bytes\":650,\"rack\":null}],"
      "\"rack_count\":2,\"racks\":[{\"rack\":\"r2\",\"seeders\":0,\"leechers\":1,\"left_bytes\":"
      "900},"
      "{\"rack\":\"r4\",\"seeders\":1,\"leechers\":0,\"left_bytes\":0}]"));
  CHECK_FALSE(contains(json, "other"));
  const std::string page = render_status_page(
      take_snapshot(fixture.table, start, {.lines_max = 9, .slowest_max = 2, .racks_max = 1}));
  CHECK(contains(page, "behind: host-2 (r2) 10% host-1 35%"));
  CHECK(contains(page, "2 racks: r2 0 of 1</td>"));
}

TEST_CASE("however many racks and leechers there are, no more than a bound are listed") {
  ShownSwarms fixture;
  fixture.total_bytes = 1000;
  for (uint32_t number = 1; number <= 60; ++number) {
    fixture.announce(1 + number % 3, number, 100, "v" + std::to_string(number % 3));
  }
  const auto listed = [&](const SnapshotLimits& limits) {
    std::vector<std::pair<size_t, size_t>> counts;
    for (const SwarmLine& line : take_snapshot(fixture.table, start, limits).swarms) {
      counts.emplace_back(line.progress.slowest.size(), line.progress.racks.size());
      CHECK(line.progress.rack_count == 10);
      CHECK(line.counts.leecher_count == 20);
    }
    return counts;
  };
  using Counts = std::vector<std::pair<size_t, size_t>>;
  SnapshotLimits limits{.lines_max = 9, .slowest_max = 5, .racks_max = 6, .rows_max = 16};
  CHECK(listed(limits) == Counts{{5, 6}, {5, 0}, {0, 0}});
  limits.rows_max = 18;
  CHECK(listed(limits) == Counts{{5, 6}, {5, 2}, {0, 0}});
  limits.rows_max = UINT32_MAX;
  CHECK(listed(limits) == Counts{{5, 6}, {5, 6}, {5, 6}});
}
