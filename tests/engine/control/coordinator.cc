#include "engine/control/coordinator.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "engine/control/bounds.h"
#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

TEST_CASE("a name belongs to the identity that came first, until it is forgotten") {
  FleetBench bench(2);
  Report thief = bench.reports.at("w000");
  thief.apps[0].active = hash_of(3);
  CHECK(says(bench.coordinator->hear(thief, "another key", bench.moment), "another agent's name"));
  CHECK(bench.start_rollout(1, {}));
  CHECK(bench.rollout().targets.size() == 2);
  CHECK(bench.coordinator->forget("w000", "olga", bench.moment));
  bench.settle();
  CHECK(bench.rollout().targets.size() == 1);
  CHECK(bench.coordinator->hear(thief, "another key", bench.moment));
  bench.settle();
  CHECK(bench.rollout().targets.size() == 2);  // it takes the app
}

TEST_CASE("reports that are late, doubled, out of order or of another process do not count") {
  FleetBench bench(1);
  CHECK(bench.start_rollout(1, {}));
  const Report before = bench.reports.at("w000");
  bench.has("w000", 1);
  CHECK(bench.stages() == "1 told");
  bench.app("w000").attempt = bench.wanted("w000").attempt;
  bench.app("w000").active = hash_of(1);
  bench.app("w000").is_healthy = true;
  Report late = bench.reports.at("w000");
  late.number = before.number;  // an old number
  CHECK(bench.coordinator->hear(late, "key of w000", bench.moment));
  late.number += 100;
  late.greeting.number -= 1;  // an old greeting
  CHECK(bench.coordinator->hear(late, "key of w000", bench.moment));
  bench.settle();
  CHECK(bench.stages() == "1 told");
  late.greeting = {.session = 99};  // another process says hello
  CHECK(bench.coordinator->hear(late, "key of w000", bench.moment));
  bench.settle();
  CHECK(bench.stages() == "1 told");
  // The agent hears the new greeting, and then its report counts.
  late.greeting = bench.coordinator->wanted_for(AgentIndex{0}).greeting;
  CHECK(late.greeting.session == 99);
  CHECK(bench.coordinator->hear(late, "key of w000", bench.moment));
  bench.settle();
  CHECK(bench.stages() == "1 healthy");
}

TEST_CASE("a report that is said to hold again counts as if it had come once more") {
  FleetBench bench(1);
  const AgentIndex agent{0};
  const Report report = bench.reports.at("w000");
  CHECK(bench.coordinator->wanted_for(agent).heard_number == report.number);
  bench.pass(limits::control_lease - 1s);
  CHECK(bench.coordinator->hear_again(agent, report.greeting, report.number + 1, bench.moment));
  CHECK(bench.coordinator->wanted_for(agent).heard_number == report.number + 1);
  bench.moment.now += 2s;
  CHECK(bench.coordinator->is_present(agent, bench.moment.now));
  // One that is late or doubled renews nothing.
  bench.moment.now += limits::control_lease - 2s;
  CHECK(bench.coordinator->hear_again(agent, report.greeting, report.number + 1, bench.moment));
  CHECK_FALSE(bench.coordinator->is_present(agent, bench.moment.now));
  CHECK(bench.settle().empty());
}

TEST_CASE("of a host that was away no report holds again: its details were given up") {
  FleetBench bench(1);
  const AgentIndex agent{0};
  const Report report = bench.reports.at("w000");
  bench.moment.now += limits::control_lease + 1s;
  bench.settle();
  CHECK_FALSE(
      bench.coordinator->hear_again(agent, report.greeting, report.number + 1, bench.moment));
}

TEST_CASE("no report holds again that was not heard") {
  FleetBench bench(1);
  const AgentIndex agent{0};
  Report report = bench.reports.at("w000");
  Greeting other = report.greeting;
  ++other.number;
  CHECK_FALSE(bench.coordinator->hear_again(agent, other, 100, bench.moment));
  report.greeting = {.session = 99};  // another process says hello, and has not reported
  CHECK(bench.coordinator->hear(report, "key of w000", bench.moment));
  CHECK_FALSE(bench.coordinator->hear_again(agent, bench.coordinator->wanted_for(agent).greeting,
                                            100, bench.moment));
  bench.settle();
  report.greeting = bench.coordinator->wanted_for(agent).greeting;
  CHECK(bench.coordinator->hear(report, "key of w000", bench.moment));
  CHECK(bench.coordinator->hear_again(agent, report.greeting, 100, bench.moment));
  CHECK(bench.coordinator->forget("w000", "olga", bench.moment));
  CHECK_FALSE(bench.coordinator->hear_again(agent, report.greeting, 101, bench.moment));
}

TEST_CASE("reports out of bounds are refused") {
  FleetBench bench(1);
  const auto refuses = [&](auto&& change) {
    Report report = bench.reports.at("w000");
    change(report);
    return !bench.coordinator->hear(report, "key of w000", bench.moment);
  };
  CHECK(refuses([](Report& report) { report.host = "a b"; }));
  CHECK(refuses([](Report& report) { report.groups.assign(33, "g"); }));
  CHECK(refuses([](Report& report) { report.apps.resize(33); }));
  CHECK(refuses([](Report& report) { report.apps.push_back(report.apps[0]); }));
  CHECK(refuses([](Report& report) { report.apps[0].ready.resize(33); }));
  bench.pass(limits::control_change_every);
  CHECK(refuses([](Report& report) { report.rack = "a rack"; }));
  CHECK(refuses([](Report& report) { report.groups = {"\n"}; }));
  CHECK(bench.settle().empty());
}

TEST_CASE("a new host of the groups joins the rollout, also after it is done") {
  FleetBench bench(2);
  CHECK(bench.start_rollout(1, {.groups = {"even"}}));
  CHECK(bench.rollout().targets.size() == 1);
  bench.all_have(1);
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::done);
  bench.pass(limits::control_change_every);
  bench.reports.at("w001").groups = {"odd", "even"};
  bench.hear("w001");
  CHECK(bench.stages() == "1 healthy, 1 told");
}

TEST_CASE("a coordinator that starts again waits for its agents before it tells others") {
  FleetBench bench(4);
  bench.all_run(1);
  CHECK(bench.start_rollout(2, {.max_unavailable = share("2")}));
  bench.all_have(2);
  bench.runs("w000", 2);
  CHECK(bench.stages() == "1 healthy, 2 told, 1 waiting");
  bench.start();
  bench.hear("w003");
  CHECK(bench.stages() == "1 healthy, 2 told, 1 waiting");
  for (const char* host : {"w001", "w002"}) {
    CHECK(bench.wanted(host).activate);
  }
  bench.runs("w001", 2);
  CHECK(bench.stages() == "2 healthy, 1 told, 1 waiting");  // w000 may be down
  bench.hear("w000");
  CHECK(bench.stages() == "2 healthy, 2 told");
}

TEST_CASE("a restart at every record gives the same decisions") {
  // A fleet where all kinds of decisions are made, and the state and reports before each of them.
  FleetBench bench(12, {"r1", "r2"});
  bench.all_run(1);
  Plan plan = in_waves("1,50%,100%");
  plan.max_fail = share("25%");
  plan.on_failure = OnFailure::rollback;
  REQUIRE(bench.start_rollout(2, plan));
  size_t decisions_compared = 0;
  const auto compare = [&](auto&& change) {
    const std::vector<Record> log_before = bench.log;
    for (auto& [host, report] : bench.reports) {
      change(host, report.apps[0]);
    }
    // In one turn: all reports, then the decisions.
    const auto decide_after = [&](std::vector<Record> log) {
      Result<State> state = replay(log, bench.moment.now);
      REQUIRE(state.has_value());
      Coordinator coordinator(std::move(*state), 1, bench.moment);
      for (auto [host, report] : bench.reports) {
        for (int times = 0; times < 2; ++times) {
          ++report.number;
          CHECK(coordinator.hear(report, "key of " + host, bench.moment));
          report.greeting = coordinator.wanted_for(*coordinator.state().find_agent(host)).greeting;
        }
      }
      std::vector<Record> decided = coordinator.decide(bench.moment).records;
      REQUIRE(std::holds_alternative<Started>(decided.at(0).what));
      decided.erase(decided.begin());
      std::vector<std::string> lines;
      for (const Record& record : decided) {
        lines.push_back(text_of(record));
      }
      return std::pair(lines, decided);
    };
    const auto [whole, records] = decide_after(log_before);
    for (size_t cut = 0; cut <= records.size(); ++cut) {
      std::vector<Record> log = log_before;
      log.insert(log.end(), records.begin(), records.begin() + static_cast<std::ptrdiff_t>(cut));
      const auto [rest, rest_records] = decide_after(log);
      CHECK(rest == std::vector<std::string>(whole.begin() + static_cast<std::ptrdiff_t>(cut),
                                             whole.end()));
      ++decisions_compared;
    }
    bench.hear_all();
  };
  const auto run = [](AppReport& app, uint8_t release, uint64_t attempt) {
    app.active = hash_of(release);
    app.attempt = attempt;
    app.is_healthy = true;
  };
  compare([&](const std::string&, AppReport& app) { app.ready.push_back(hash_of(2)); });
  compare([&](const std::string& host, AppReport& app) {
    if (bench.wanted(host).activate) {
      run(app, 2, bench.wanted(host).attempt);
    }
  });
  CHECK(bench.rollout().wave == 1);
  compare([&](const std::string& host, AppReport& app) {
    if (bench.wanted(host).activate) {
      run(app, 1, bench.wanted(host).attempt);
      app.failed_attempt = app.attempt;
      app.failure = Reason::health;
    }
  });
  CHECK(bench.rollout().state == RolloutState::undoing);
  CHECK(decisions_compared > 15);
}

TEST_CASE("one key makes up no crowd of hosts") {
  FleetBench bench(2);
  Report report = bench.reports.at("w000");
  for (uint32_t number = 0; number < limits::control_names_of_key_max; ++number) {
    report.host = fmt::format("made-up-{}", number);
    CHECK(bench.coordinator->hear(report, "one key", bench.moment));
  }
  report.host = "one-more";
  CHECK(says(bench.coordinator->hear(report, "one key", bench.moment), "16 hosts have the key"));
  CHECK_FALSE(bench.coordinator->state().find_agent("one-more").has_value());
  CHECK(bench.coordinator->hear(report, "another key", bench.moment));
  report.host = "made-up-0";
  report.groups = {"web"};
  CHECK(bench.coordinator->hear(report, "one key", bench.moment));  // a name that it has
  CHECK(bench.coordinator->forget("made-up-1", "olga", bench.moment));
  report.host = "made-up-1";
  CHECK(bench.coordinator->hear(report, "one key", bench.moment));
}

namespace {

// As much as a message may say.
Report talkative(uint32_t number) {
  Report report{.host = fmt::format("talks-{}", number), .greeting = {.session = 5}, .number = 1};
  for (uint32_t app = 0; app < limits::control_list_max; ++app) {
    AppReport& each = report.apps.emplace_back();
    each.app = fmt::format("app-{}-{}", app, std::string(40, 'x'));
    each.text = std::string(limits::control_text_bytes_max, 'x');
    each.ready.resize(limits::control_ready_max);
    each.active = hash_of(1);
  }
  return report;
}

Status hear_twice(FleetBench& bench, Report report) {
  const std::string key = "key of " + report.host;
  CHECK(bench.coordinator->hear(report, key, bench.moment));
  const AgentIndex agent = *bench.coordinator->state().find_agent(report.host);
  report.greeting = bench.coordinator->wanted_for(agent).greeting;
  ++report.number;
  return bench.coordinator->hear(report, key, bench.moment);
}

}  // namespace

TEST_CASE("reports take bounded memory, and little once their agents are away") {
  FleetBench bench(2);
  const uint64_t before = bench.coordinator->reports_bytes();
  CHECK(hear_twice(bench, talkative(0)));
  const uint64_t large = bench.coordinator->reports_bytes() - before;
  CHECK(large > 16 * 1024);
  bench.settle();
  CHECK(bench.coordinator->reports_bytes() == before + large);
  bench.moment.now += limits::control_lease;
  bench.hear_all();
  CHECK(bench.coordinator->reports_bytes() - before <= limits::control_away_report_bytes_max);
  const Heard heard =
      bench.coordinator->heard_of(*bench.coordinator->state().find_agent("talks-0"));
  REQUIRE(heard.apps.size() >= 4);
  CHECK(heard.apps[0].report.active == hash_of(1));  // people may want to know
  uint32_t number = 1;
  while (hear_twice(bench, talkative(number)) && number < 10'000) {
    ++number;
  }
  CHECK(bench.coordinator->reports_bytes() <= limits::control_reports_bytes_max);
  CHECK(number < 10'000);
  CHECK(says(hear_twice(bench, talkative(number + 1)), "reports more than"));
  bench.hear("w000");  // small ones count
  Report gone = talkative(1);
  CHECK(bench.coordinator->forget(gone.host, "olga", bench.moment));
  CHECK(bench.coordinator->reports_bytes() <= limits::control_reports_bytes_max - large / 2);
}
