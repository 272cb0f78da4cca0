#include "cli/control/plan_options.h"

#include <doctest/doctest.h>

namespace murder::cli {
namespace {

constexpr int64_t now_s = 1'795'969'872;

std::string json_of(const PlanOptions& options) {
  const Result<Json> json = plan_json(options, now_s, local_clock());
  return json ? json_text(*json) : json.error().text;
}

bool is_error_of(const PlanOptions& options, std::string_view start) {
  const Result<Json> json = plan_json(options, now_s, local_clock());
  return !json && json.error().code == ErrorCode::invalid_input &&
         json.error().text.starts_with(start);
}

}  // namespace

TEST_CASE("a plan says only what was asked for") {
  CHECK(json_of({}) == "{}");
}

TEST_CASE("a plan as the operator writes it") {
  CHECK(json_of({.groups = {"web,eu", "db"},
                 .waves = "1,10%,50%",
                 .max_fail = "2%",
                 .max_unavailable = "10%",
                 .rack_max_unavailable = "1",
                 .quorum = "80%",
                 .on_failure = "rollback",
                 .bake = std::chrono::seconds(30),
                 .min_healthy = std::chrono::milliseconds(1500),
                 .healthy_deadline = std::chrono::minutes(2),
                 .progress_deadline = std::chrono::minutes(3),
                 .confirm_within = std::chrono::minutes(5),
                 .at = "+10m",
                 .allow_older = true}) ==
        R"({"groups":["web","eu","db"],"waves":"1,10%,50%,100%","max_fail":"2%",)"
        R"("max_unavailable":"10%","rack_max_unavailable":"1","quorum":"80%","bake_s":30,)"
        R"("min_healthy_s":1.5,"healthy_deadline_s":120,"progress_deadline_s":180,)"
        R"("confirm_within_s":300,"on_failure":"rollback","begin_wall_s":1795970472,)"
        R"("allow_older":true})");
}

TEST_CASE("what cannot be carried out is refused before anybody is asked") {
  CHECK(is_error_of({.waves = "1,,100%"}, "--waves"));
  CHECK(is_error_of({.waves = "0,100%"}, "a wave has at least one host"));
  CHECK(is_error_of({.waves = "110%"}, "--waves"));
  CHECK(is_error_of({.waves = "50%,10%"}, "--waves 10% after 50%"));
  CHECK(is_error_of({.max_fail = "two"}, "--max-fail"));
  CHECK(is_error_of({.max_unavailable = "0"}, "with max-unavailable 0"));
  CHECK(is_error_of({.quorum = "101%"}, "--quorum"));
  CHECK(is_error_of({.at = "later"}, "--at"));
  CHECK(is_error_of({.groups = {"web,"}}, ""));
  CHECK(is_error_of({.groups = {"we b"}}, ""));
  CHECK(is_error_of({.bake = std::chrono::hours(24 * 31)}, "bake"));
  CHECK(is_error_of({.min_healthy = std::chrono::minutes(5)}, "min-healthy"));
}

}  // namespace murder::cli
