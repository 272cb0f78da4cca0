// What /metrics shows, as Prometheus reads it.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "engine/base/version.h"
#include "tracker/service.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

namespace {

constexpr SnapshotLimits newest_first{.lines_max = limits::metrics_releases_max,
                                      .order = SwarmOrder::newest_first};

struct MeasuredTracker {
  PeerTable table{{.hash_seed = 5}};
  Prng prng{1};
  Instant now = start;

  void announce(uint32_t swarm, uint32_t number, uint64_t left_bytes, const std::string& name,
                bool is_source = false) {
    codec::AnnounceReply reply;
    table.announce({.info_hash = hash_number(swarm),
                    .peer_id = own_peer(number),
                    .port = 6881,
                    .left_bytes = left_bytes,
                    .name = name,
                    .total_bytes = 1000,
                    .is_source = is_source},
                   v4_number(number), now, prng, reply);
  }
  [[nodiscard]] std::string metrics() const {
    return render_metrics(take_snapshot(table, now, newest_first));
  }
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

uint32_t count_of(const std::string& text, std::string_view part) {
  uint32_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

std::string hosts(std::string_view tag, std::string_view state, uint32_t swarm, uint32_t count) {
  return "\nmurder_release_hosts{tag=\"" + std::string(tag) + "\",state=\"" + std::string(state) +
         "\",info_hash=\"" + hash_number(swarm).hex() + "\"} " + std::to_string(count) + "\n";
}

}  // namespace

TEST_CASE("each metric has one HELP and one TYPE line before its samples, and no sample twice") {
  MeasuredTracker fixture;
  fixture.announce(1, 1, 10, "a");
  fixture.announce(1, 2, 0, "a");
  fixture.announce(2, 2, 0, "a");  // the same tag with other content
  fixture.announce(3, 3, 0, "");
  Snapshot snapshot = take_snapshot(fixture.table, start, newest_first);
  snapshot.service.announces_by_event = {1, 2, 3, 4};
  snapshot.uptime = 1500ms;
  const std::string metrics = render_metrics(snapshot);
  CHECK(contains(metrics, "\nmurder_tracker_announces_total{event=\"stopped\"} 3\n"));
  CHECK(contains(metrics, "\nmurder_tracker_announces_total{event=\"completed\"} 4\n"));
  CHECK(contains(metrics, "\nmurder_tracker_peers{state=\"seeder\"} 3\n"));
  CHECK(contains(metrics, "\nmurder_tracker_swarms 3\n"));
  CHECK(contains(metrics, "\nmurder_tracker_uptime_seconds 1.5\n"));
  CHECK(contains(metrics,
                 "\nmurder_build_info{version=\"" + std::string(program_version()) + "\"} 1\n"));

  std::istringstream lines(metrics);
  std::string line;
  std::string family;
  std::string type;
  std::set<std::string> families;
  std::set<std::string> samples;
  while (std::getline(lines, line)) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(families.insert(family).second);
      type = "";
    } else if (line.starts_with("# TYPE ")) {
      CHECK(line.substr(7, line.find(' ', 7) - 7) == family);
      type = line.substr(line.rfind(' ') + 1);
      CHECK((type == "counter") == family.ends_with("_total"));
    } else {
      CHECK_FALSE(type.empty());
      CHECK(samples.insert(line.substr(0, line.rfind(' '))).second);
      const std::string name = line.substr(0, line.find_first_of(" {"));
      CHECK((type == "histogram" ? name.starts_with(family + "_") : name == family));
    }
  }
  CHECK(families.size() > 20);
}

TEST_CASE("hosts of a release are in one state each") {
  MeasuredTracker fixture;
  fixture.announce(1, 1, 0, "v42", true);
  for (uint32_t number = 2; number <= 6; ++number) {
    fixture.announce(1, number, 1000, "v42");
  }
  fixture.announce(1, 2, 0, "v42");
  fixture.now += 2s;
  fixture.announce(1, 3, 600, "v42");
  std::string metrics = fixture.metrics();
  CHECK(contains(metrics, hosts("v42", "source", 1, 1)));
  CHECK(contains(metrics, hosts("v42", "done", 1, 1)));
  CHECK(contains(metrics, hosts("v42", "fetching", 1, 4)));
  CHECK(contains(metrics, hosts("v42", "lost", 1, 0)));
  const std::string labels = "{tag=\"v42\",info_hash=\"" + hash_number(1).hex() + "\"} ";
  CHECK(contains(metrics, "\nmurder_release_size_bytes" + labels + "1000\n"));
  CHECK(contains(metrics, "\nmurder_release_left_bytes" + labels + "3600\n"));
  CHECK(contains(metrics, "\nmurder_release_delivered_bytes_total" + labels + "1400\n"));
  CHECK(contains(metrics, "\nmurder_release_elapsed_seconds" + labels + "2\n"));
  // All but two fall silent: overdue first, then forgotten.
  for (const Duration later : {Duration(10s), Duration(300s)}) {
    fixture.now += later;
    fixture.announce(1, 1, 0, "v42", true);
    fixture.announce(1, 3, 500, "v42");
    if (later > 60s) {
      fixture.table.sweep(fixture.now, 1000);
    }
    metrics = fixture.metrics();
    CHECK(contains(metrics, hosts("v42", "source", 1, 1)));
    CHECK(contains(metrics, hosts("v42", "fetching", 1, 1)));
    CHECK(contains(metrics, hosts("v42", "lost", 1, 3)));
  }
}

TEST_CASE("a tag cannot break out of its label") {
  MeasuredTracker fixture;
  fixture.announce(1, 1, 10, "a\"} 7\nb\\c\x1B");
  const std::string metrics = fixture.metrics();
  CHECK(contains(metrics, hosts("a\\\"} 7?b\\\\c?", "fetching", 1, 1)));
}

TEST_CASE("of many releases those are shown that are fetched, then the newest") {
  MeasuredTracker fixture;
  for (uint32_t swarm = 1; swarm <= 80; ++swarm) {
    fixture.announce(swarm, swarm, swarm == 3 ? 10 : 0, "v" + std::to_string(swarm));
    fixture.now += 1s;
  }
  fixture.announce(3, 3, 10, "v3");
  fixture.announce(5, 5, 0, "v5");  // an old one whose seeder announces again is not newer for it
  const std::string metrics = fixture.metrics();
  CHECK(count_of(metrics, "\nmurder_release_size_bytes{") == limits::metrics_releases_max);
  CHECK(contains(metrics, hosts("v3", "fetching", 3, 1)));
  CHECK(contains(metrics, hosts("v80", "done", 80, 1)));
  CHECK(contains(metrics, hosts("v32", "done", 32, 1)));
  CHECK_FALSE(contains(metrics, "tag=\"v31\""));
  CHECK_FALSE(contains(metrics, "tag=\"v5\""));
  CHECK(contains(metrics, "\nmurder_tracker_swarms 80\n"));
}

TEST_CASE("the latency of announces counts each of a turn once") {
  PeerTable table{{.hash_seed = 5}};
  Service service{table, {.started_at = start, .random_seed = 1}};
  CHECK_FALSE(service.has_answered());
  const auto ask = [&](std::string_view path, std::string_view query) {
    static_cast<void>(service.handle({.method = "GET",
                                      .path = path,
                                      .query = query,
                                      .remote = {.address = address("192.0.2.1"), .port = 40'000}},
                                     start));
  };
  ask("/scrape", "");
  CHECK_FALSE(service.has_answered());
  ask("/announce", "info_hash=too-short");  // a refusal is an answer
  ask("/announce",
      "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-MU0001-abcdefghij01&port=1&uploaded=0&downloaded=0"
      "&left=5");
  REQUIRE(service.has_answered());
  service.answers_leave(30us);
  CHECK_FALSE(service.has_answered());
  ask("/announce", "");
  service.answers_leave(2s);
  const std::string metrics = service.metrics(start);
  CHECK(contains(metrics, "\n# TYPE murder_tracker_announce_seconds histogram\n"));
  CHECK(contains(metrics, "\nmurder_tracker_announce_seconds_bucket{le=\"2.5e-05\"} 0\n"));
  CHECK(contains(metrics, "\nmurder_tracker_announce_seconds_bucket{le=\"5e-05\"} 2\n"));
  CHECK(contains(metrics, "\nmurder_tracker_announce_seconds_bucket{le=\"1\"} 2\n"));
  CHECK(contains(metrics, "\nmurder_tracker_announce_seconds_bucket{le=\"+Inf\"} 3\n"));
  CHECK(contains(metrics, "\nmurder_tracker_announce_seconds_sum 2.00006\n"));
  CHECK(contains(metrics, "\nmurder_tracker_announce_seconds_count 3\n"));
}
