#include "engine/control/plan.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/control/bounds.h"
#include "engine/control/names.h"
#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

TEST_CASE("a share is a number of hosts or a percentage") {
  for (const char* text : {"0", "1", "12", "0%", "1%", "100%", "4294967295"}) {
    CHECK(share(text).text() == text);
  }
  for (const char* text : {"", "%", "101%", "-1", "+1", "1.5%", "1 %", "x", "4294967296", "1%%"}) {
    INFO(text);
    CHECK_FALSE(Share::parse(text).has_value());
  }
  CHECK(share("10%").rounded_down(19) == 1);
  CHECK(share("10%").rounded_up(19) == 2);
  CHECK(share("10%").rounded_up(20) == 2);
  CHECK(share("7").rounded_down(3) == 3);
  CHECK(share("7").rounded_up(3) == 3);
  CHECK(share("100%").rounded_down(UINT32_MAX) == UINT32_MAX);
}

TEST_CASE("waves say how many hosts are activated in all, and the last one is for the rest") {
  const Plan plan = in_waves("1,10%,50%,100%");
  CHECK(plan.waves.size() == 4);
  CHECK(wave_goal(plan, 0, 200) == 1);
  CHECK(wave_goal(plan, 1, 200) == 20);
  CHECK(wave_goal(plan, 2, 201) == 100);
  CHECK(wave_goal(plan, 3, 201) == 201);
  CHECK(in_waves("2,30%").waves.size() == 3);
  CHECK(in_waves("2,30%").waves.back() == share("100%"));
  CHECK(in_waves("100%").waves.size() == 1);
}

TEST_CASE("a wave is for one host at least and for no more than there are") {
  CHECK(wave_goal(in_waves("10%,100%"), 0, 9) == 1);
  CHECK(wave_goal(in_waves("5,100%"), 0, 3) == 3);
  CHECK(wave_goal(in_waves("5,100%"), 0, 0) == 0);
}

TEST_CASE("waves that cannot be read") {
  for (const char* text : {"", ",", "1,", ",1", "1;2", "1,x", "1, 2"}) {
    INFO(text);
    CHECK_FALSE(parse_waves(text).has_value());
  }
}

TEST_CASE("waves that become smaller are refused") {
  for (const char* text : {"50%,10%", "2,1", "1,50%,20%,100%", "100%,1", "100%,50%"}) {
    INFO(text);
    CHECK_FALSE(parse_waves(text).has_value());
  }
  for (const char* text : {"50%,1", "5,10%,20", "10%,10%", "100%,100%"}) {
    INFO(text);
    CHECK(parse_waves(text).has_value());
  }
}

TEST_CASE("failures stop a rollout when their share is reached, and one does at least") {
  Plan plan;
  plan.max_fail = share("2%");
  CHECK(failed_bound(plan, 10) == 1);
  CHECK(failed_bound(plan, 100) == 2);
  CHECK(failed_bound(plan, 101) == 3);
  plan.max_fail = share("0");
  CHECK(failed_bound(plan, 10) == 1);
  plan.max_fail = share("100%");
  CHECK(failed_bound(plan, 10) == 10);
}

TEST_CASE("unavailable hosts are rounded down as Kubernetes does, and one may always be") {
  CHECK(unavailable_bound(share("25%"), 10) == 2);
  CHECK(unavailable_bound(share("25%"), 3) == 1);
  CHECK(unavailable_bound(share("3"), 2) == 2);
  CHECK(unavailable_bound(share("100%"), 7) == 7);
}

TEST_CASE("the defaults are a plan") {
  const Plan plan;
  CHECK(validate_plan(plan).has_value());
  CHECK(plan.min_healthy == 10s);
  CHECK(plan.healthy_deadline == 5min);
  CHECK(plan.progress_deadline == 10min);
  CHECK(settle_within(plan) == limits::control_lease + 10min);
}

TEST_CASE("what cannot be carried out is refused") {
  const auto refuses = [](auto&& change) {
    Plan plan;
    change(plan);
    return !validate_plan(plan);
  };
  CHECK(refuses([](Plan& plan) { plan.waves.clear(); }));
  CHECK(refuses([](Plan& plan) { plan.waves = {share("50%")}; }));
  CHECK(refuses([](Plan& plan) { plan.waves = {share("0"), share("100%")}; }));
  CHECK(refuses([](Plan& plan) { plan.waves.assign(33, share("100%")); }));
  CHECK(refuses([](Plan& plan) { plan.max_unavailable = share("0%"); }));
  CHECK(refuses([](Plan& plan) { plan.rack_max_unavailable = share("0"); }));
  CHECK(refuses([](Plan& plan) { plan.groups = {"a b"}; }));
  CHECK(refuses([](Plan& plan) { plan.groups.assign(33, "g"); }));
  CHECK(refuses([](Plan& plan) { plan.bake = -1s; }));
  CHECK(refuses([](Plan& plan) { plan.bake = 24h * 31; }));
  CHECK(refuses([](Plan& plan) { plan.bake = 1ns; }));
  CHECK(refuses([](Plan& plan) { plan.healthy_deadline = 0s; }));
  CHECK(refuses([](Plan& plan) { plan.progress_deadline = 0s; }));
  CHECK(refuses([](Plan& plan) { plan.min_healthy = plan.healthy_deadline; }));
  CHECK(refuses([](Plan& plan) { plan.begin_wall_s = -1; }));
}

TEST_CASE("names of others are short and printable") {
  CHECK(validate_name("shop", "app"));
  CHECK(validate_name("eu-west_1.a:b/c", "group"));
  for (const char* name : {"", "-a", "a b", "a\n", "\xc3\xa4"}) {
    CHECK_FALSE(validate_name(name, "app").has_value());
    CHECK_FALSE(validate_host(name).has_value());
  }
  CHECK_FALSE(validate_name(std::string(65, 'a'), "app").has_value());
  CHECK(validate_host(std::string(253, 'a')));
  CHECK_FALSE(validate_host(std::string(254, 'a')).has_value());
  CHECK(validate_who("CORP\\Olga \xc3\x84 <o@x>", "who"));
  for (const char* who : {"", "a\nb", "a\tb", "\x1b[1m", "\xff"}) {
    CHECK_FALSE(validate_who(who, "who").has_value());
  }
  CHECK(bounded_text("a\nb\xff") == "a\\nb\\xff");
  CHECK(bounded_text(std::string(1000, '\n')).size() == limits::control_text_bytes_max);
  const std::string cut = bounded_text("x" + std::string(200, 'y') + std::string(100, '\xc3'));
  CHECK(cut.size() <= limits::control_text_bytes_max);
}
