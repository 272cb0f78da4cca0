#include "coordinator/plan_json.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::coordinator;

namespace {

std::string written(const control::Plan& plan) {
  JsonWriter json;
  write_plan(json, plan);
  return json.take();
}

control::Plan read(std::string_view text) {
  const Result<Json> json = parse_json(text);
  REQUIRE(json);
  control::Plan plan{.groups = {"another"}};
  for (const auto& [name, value] : json->members()) {
    const Status taken = take_plan_member(name, value, plan);
    CAPTURE(name);
    REQUIRE(taken);
  }
  return plan;
}

}  // namespace

TEST_CASE("a plan that is written is read as the same") {
  CHECK(read(written({})) == control::Plan{});
  control::Plan plan{.groups = {"web", "eu"},
                     .waves = control::parse_waves("1,10%").value(),
                     .bake = std::chrono::milliseconds(1500),
                     .max_fail = {.number = 3},
                     .on_failure = control::OnFailure::rollback,
                     .quorum = {.number = 80, .is_percent = true},
                     .confirm_within = std::chrono::minutes(5),
                     .begin_wall_s = 1'800'000'000,
                     .allow_older = true};
  CHECK(read(written(plan)) == plan);
}
