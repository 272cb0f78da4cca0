// A coordinator, and agents that a test speaks for: what each reports is a value of the test.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "engine/control/apply.h"
#include "engine/control/coordinator.h"
#include "engine/control/snapshot.h"

namespace murder::control {

inline InfoHash hash_of(uint8_t number) {
  InfoHash hash;
  hash.bytes[0] = number;
  return hash;
}

inline Share share(std::string_view text) {
  return Share::parse(text).value();
}

inline Plan in_waves(std::string_view waves) {
  Plan plan;
  plan.waves = parse_waves(waves).value();
  return plan;
}

inline bool says(const Status& status, std::string_view text) {
  return !status && status.error().text.find(text) != std::string::npos;
}

class FleetBench {
 public:
  explicit FleetBench(uint32_t host_count, const std::vector<std::string>& racks = {}) {
    for (uint32_t index = 0; index < host_count; ++index) {
      Report& report = reports[name(index)];
      report.host = name(index);
      report.rack = racks.empty() ? "" : racks[index % racks.size()];
      report.groups = {index % 2 == 0 ? "even" : "odd"};
      report.apps = {{.app = "shop"}};
      report.greeting.session = index + 1;
    }
    start();
    hear_all();
    for (uint8_t number = 1; number <= 3; ++number) {
      publish(number);
    }
  }

  static std::string name(uint32_t index) { return fmt::format("w{:03}", index); }

  // --- the coordinator ---

  void start() {
    Result<State> state = replay(log, moment.now);
    REQUIRE(state.has_value());
    coordinator.emplace(std::move(*state), 77, moment);
    settle();
  }
  std::vector<Record> settle() {
    Decisions decisions = coordinator->decide(moment);
    log.insert(log.end(), decisions.records.begin(), decisions.records.end());
    told = decisions.tell;
    ensure_consistent(coordinator->state());
    return decisions.records;
  }
  void pass(Duration duration) {
    moment.now += duration;
    moment.wall_s += duration / std::chrono::seconds(1);
    settle();
  }
  void publish(uint8_t number) {
    CHECK(coordinator->publish("shop", fmt::format("v{}", number), hash_of(number), number, "olga",
                               moment));
    settle();
  }
  Status start_rollout(uint8_t number, const Plan& plan) {
    Status done = coordinator->start("shop", fmt::format("v{}", number), plan, "olga", moment);
    settle();
    return done;
  }
  [[nodiscard]] const Rollout& rollout() const {
    return *coordinator->state().find_app("shop")->rollout;
  }
  [[nodiscard]] const Target& target(const std::string& host) const {
    const Target* found = find_target(rollout(), *coordinator->state().find_agent(host));
    REQUIRE(found != nullptr);
    return *found;
  }
  // "healthy told waiting": of all hosts, in their order, without repeats of the same: "2 healthy".
  [[nodiscard]] std::string stages() const {
    std::string text;
    std::string_view last;
    uint32_t count = 0;
    const auto flush = [&] {
      text += count == 0 ? "" : fmt::format("{}{} {}", text.empty() ? "" : ", ", count, last);
    };
    for (const Target& target : rollout().targets) {
      if (name_of(target.stage) != last) {
        flush();
        last = name_of(target.stage);
        count = 0;
      }
      ++count;
    }
    flush();
    return text;
  }
  [[nodiscard]] WantedApp wanted(const std::string& host) const {
    return coordinator->wanted_for(*coordinator->state().find_agent(host)).apps.front();
  }

  // --- agents ---

  AppReport& app(const std::string& host) { return reports.at(host).apps.front(); }
  // Sends its report until it counts.
  void hear(const std::string& host) {
    Report& report = reports.at(host);
    for (int times = 0; times < 2; ++times) {
      ++report.number;
      CHECK(coordinator->hear(report, "key of " + host, moment));
      report.greeting = coordinator->wanted_for(*coordinator->state().find_agent(host)).greeting;
    }
    settle();
  }
  void hear_all() {
    for (const auto& [host, report] : reports) {
      hear(host);
    }
  }
  void has(const std::string& host, uint8_t release) {
    app(host).ready.push_back(hash_of(release));
    hear(host);
  }
  void all_have(uint8_t release) {
    for (const auto& [host, report] : reports) {
      has(host, release);
    }
  }
  void runs(const std::string& host, uint8_t release) {
    AppReport& own = app(host);
    own.active = hash_of(release);
    own.is_healthy = true;
    own.is_unconfirmed = false;
    own.phase = Phase::idle;
    own.attempt = wanted(host).attempt;
    hear(host);
  }
  void all_run(uint8_t release) {
    for (auto& [host, report] : reports) {
      app(host).ready.push_back(hash_of(release));
      app(host).active = hash_of(release);
      app(host).is_healthy = true;
      hear(host);
    }
  }
  void fails(const std::string& host, Reason reason) {
    AppReport& own = app(host);
    own.attempt = own.failed_attempt = wanted(host).attempt;
    own.failure = reason;
    own.text = "so";
    hear(host);
  }
  // All that were told to activate do it well, until nobody is told any more.
  void activate_all(uint8_t release) {
    for (bool again = true; again;) {
      again = false;
      for (const auto& [host, report] : reports) {
        if (wanted(host).activate && wanted(host).attempt > app(host).attempt) {
          runs(host, release);
          again = true;
        }
      }
    }
  }

  Moment moment{.now = Instant(std::chrono::seconds(1000)), .wall_s = 1'800'000'000};
  std::vector<Record> log;
  std::vector<AgentIndex> told;
  std::optional<Coordinator> coordinator;
  std::map<std::string, Report> reports;
};

}  // namespace murder::control
