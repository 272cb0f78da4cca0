#include "cli/fleet/rollout/rollout_options.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::fleet;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("only what was asked for makes a deploy a rollout, and stands in its plan") {
  CHECK_FALSE(rollout_of({})->has_value());
  CHECK((*rollout_of({.is_asked = true}))->plan == Json::object());
  const auto rollout = rollout_of({.waves = "1,50%",
                                   .max_fail = "10%",
                                   .on_failure = "rollback",
                                   .bake = seconds(30),
                                   .min_healthy = milliseconds(500)});
  REQUIRE(rollout);
  REQUIRE(*rollout);
  CHECK((*rollout)->plan == Json{{"bake_s", 30},
                                 {"min_healthy_s", 0.5},
                                 {"waves", "1,50%"},
                                 {"max_fail", "10%"},
                                 {"on_failure", "rollback"}});
}

TEST_CASE("a wrong value is named with its option") {
  CHECK(rollout_of({.waves = "x"}).error().text.starts_with("--waves "));
  CHECK(rollout_of({.max_fail = "200%"}).error().text.starts_with("--max-fail "));
  CHECK_FALSE(rollout_of({.waves = "50%,10%"}));
}

TEST_CASE("waves are for --activate") {
  DeployOptions options{.activate = true, .rollout = RolloutOptions{.plan = Json::object()}};
  options.rollout->plan["waves"] = "1";
  CHECK(check_rollout(options));
  options.activate = false;
  CHECK(check_rollout(options).error().text.find("--activate") != std::string::npos);
  options.rollout->plan = Json::object();
  CHECK(check_rollout(options));
}
