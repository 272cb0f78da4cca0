#include "coordinator/control_metrics.h"

#include <doctest/doctest.h>

#include <string>

#include "coordinator/bounds.h"

using namespace murder;
using namespace murder::coordinator;
using namespace murder::control;

namespace {

struct MetricsBench {
  Moment moment{.now = Instant(std::chrono::hours(1)), .wall_s = 1'000};
  Coordinator machine{State{}, 7, moment};
  AgentLinksCounters links{.connections = 5, .reports = 9, .told = 8, .crowded = 1};
  StageTimes times;
  uint64_t report_count = 0;

  void publish(const std::string& app, uint8_t number) {
    InfoHash hash;
    hash.bytes[0] = number;
    hash.bytes[1] = static_cast<uint8_t>(app.back());
    hash.bytes[2] = static_cast<uint8_t>(app[app.size() / 2]);
    REQUIRE(machine.publish(app, "v" + std::to_string(number), hash, number, "olga", moment));
  }
  void hear(const std::string& host, const std::string& app) {
    REQUIRE(machine.hear({.host = host,
                          .apps = {{.app = app}},
                          .greeting = {.session = 9},
                          .number = ++report_count},
                         "key of " + host, moment));
  }
  void settle() { static_cast<void>(machine.decide(moment)); }
  std::string text() {
    return render_control_metrics({.machine = &machine,
                                   .record_count = 3,
                                   .store_failures = 2,
                                   .link_count = 4,
                                   .links = links,
                                   .times = times},
                                  moment.now);
  }
};

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("metrics of a coordinator: rollouts, hosts, agents, releases") {
  MetricsBench bench;
  bench.publish("shop", 1);
  bench.publish("shop", 2);
  REQUIRE(bench.machine.revoke("shop", "v1", "olga", bench.moment));
  bench.hear("w1", "shop");
  bench.hear("w2", "shop");
  bench.settle();
  bench.moment.now += limits::control_lease + std::chrono::seconds(1);
  bench.hear("w3", "shop");
  REQUIRE(bench.machine.start("shop", "v2", {}, "olga", bench.moment));
  bench.settle();
  const std::string text = bench.text();
  for (const char* line :
       {"murder_coordinator_leads 1", "murder_coordinator_records 3",
        "murder_coordinator_store_failures_total 2", "murder_coordinator_links 4",
        "murder_coordinator_connections_total 5", "murder_coordinator_reports_total 9",
        "murder_coordinator_told_total 8", "murder_coordinator_crowded_total 1",
        "murder_coordinator_agents{state=\"present\"} 1",
        "murder_coordinator_agents{state=\"away\"} 2",
        "murder_coordinator_releases{state=\"published\"} 1",
        "murder_coordinator_releases{state=\"revoked\"} 1",
        "murder_coordinator_rollouts{state=\"running\"} 1",
        "murder_coordinator_rollouts{state=\"held\"} 0",
        "murder_rollout_state{app=\"shop\",tag=\"v2\",state=\"running\"} 1",
        "murder_rollout_hosts{app=\"shop\",stage=\"waiting\"} 3",
        "murder_rollout_hosts{app=\"shop\",stage=\"healthy\"} 0",
        "murder_rollout_hosts_away{app=\"shop\"} 2",
        "murder_coordinator_stages_total{stage=\"return\",outcome=\"failed\"} 0"}) {
    CHECK_MESSAGE(has_line(text, line), line);
  }
}

TEST_CASE("one that does not lead says so, and nothing of what it does not know") {
  MetricsBench bench;
  const std::string text =
      render_control_metrics({.links = bench.links, .times = bench.times}, bench.moment.now);
  CHECK(has_line(text, "murder_coordinator_leads 0"));
  CHECK(text.find("murder_coordinator_agents") == std::string::npos);
  CHECK(text.find("murder_rollout_") == std::string::npos);
}

TEST_CASE("apps beyond a bound are not named, and those that go on are") {
  MetricsBench bench;
  for (uint32_t number = 0; number < limits::metrics_apps_max + 5; ++number) {
    const std::string app = "app" + std::to_string(100 + number);
    bench.publish(app, 1);
    bench.hear("host-" + app, app);
    REQUIRE(bench.machine.start(app, "v1", {}, "olga", bench.moment));
    if (number > 0) {
      REQUIRE(bench.machine.abort(app, "olga", bench.moment));
    }
    bench.settle();
  }
  const std::string text = bench.text();
  CHECK(count_of(text, "\nmurder_rollout_state{") == limits::metrics_apps_max);
  CHECK(text.find("murder_rollout_state{app=\"app100\",tag=\"v1\",state=\"running\"}") !=
        std::string::npos);
  CHECK(text.find("app=\"app101\"") == std::string::npos);  // the first that was aborted
}
