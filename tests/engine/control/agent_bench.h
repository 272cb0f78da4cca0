// An agent with one app, and a test that speaks for its coordinator and its process.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/control/agent.h"
#include "fleet_bench.h"

namespace murder::control {

struct AgentBench {
  explicit AgentBench(bool checks_health = true) : has_health_check(checks_health) {
    KeptApp app{.app = "shop"};
    app.active = {.info_hash = hash_of(1), .serial = 1};
    app.ready = {*app.active};
    app.is_healthy = true;
    kept.apps = {app};
    start();
    want(2);
  }
  void start() {
    machine.emplace(AgentConfig{.host = "w1",
                                .groups = {"web"},
                                .apps = {{"shop", has_health_check}},
                                .is_of_a_deploy = is_of_a_deploy},
                    kept, ++session, now);
    take();
  }
  // What the process is to do: "fetch2 activate1", and its disk.
  std::string take() {
    std::string text;
    AgentWork work = machine->take_work();
    if (work.save) {
      kept = machine->kept();
    }
    for (const Step& step : work.steps) {
      static constexpr std::string_view kinds[] = {"fetch", "cancel", "verify", "activate",
                                                   "discard"};
      text += fmt::format("{}{}{}", text.empty() ? "" : " ", kinds[static_cast<int>(step.kind)],
                          step.release.bytes[0]);
      last_step = step.number != 0 ? step.number : last_step;
    }
    has_reported = work.report;
    return text;
  }
  void want(uint8_t release) {
    wanted.origin = 5;
    wanted.revision = 100;
    wanted.apps = {{.app = "shop",
                    .release = hash_of(release),
                    .serial = release,
                    .attempt = 10,
                    .min_healthy = std::chrono::seconds(10),
                    .healthy_deadline = std::chrono::seconds(60)}};
  }
  WantedApp& app() { return wanted.apps.front(); }
  // The coordinator answers the agent's report.
  std::string hear() {
    const Report report = machine->make_report(now);
    wanted.greeting = {.session = report.greeting.session, .number = 1};
    wanted.heard_number = report.number;
    ++wanted.revision;
    machine->hear(wanted, now);
    return take();
  }
  std::string done(bool is_good = true) {
    machine->end_step("shop", last_step, is_good, "it broke", now);
    return take();
  }
  std::string health(bool is_good) {
    machine->see_health("shop", is_good, now);
    return take();
  }
  std::string pass(Duration duration) {
    now += duration;
    machine->tick(now);
    return take();
  }
  AppReport report() { return machine->make_report(now).apps.front(); }
  // Until release 2 is there and activation is told.
  void be_told(uint8_t release = 2) {
    hear();
    done();
    done();
    app().activate = true;
    app().attempt = 11;
    CHECK(hear() == fmt::format("activate{}", release));
  }

  bool has_health_check;
  bool is_of_a_deploy = false;
  KeptAgent kept;
  uint64_t session = 7;
  Instant now{std::chrono::seconds(1000)};
  std::optional<AgentMachine> machine;
  Wanted wanted;
  uint64_t last_step = 0;
  bool has_reported = false;
};

}  // namespace murder::control
