#include "coordinator/operator_request.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::coordinator;

namespace {

Result<OperatorRequest> parsed(std::string_view method, std::string_view path,
                               std::string_view query, std::string_view body = {}) {
  const Route* route = find_route(method, path);
  REQUIRE(route != nullptr);
  return parse_operator_request(*route, query, body);
}

std::string fault(std::string_view method, std::string_view path, std::string_view query,
                  std::string_view body = {}) {
  const Result<OperatorRequest> request = parsed(method, path, query, body);
  REQUIRE_FALSE(request);
  CHECK(request.error().code == ErrorCode::invalid_input);
  return request.error().text;
}

}  // namespace

TEST_CASE("routes: orders are orders, and HEAD goes where GET does") {
  CHECK(find_route("PUT", "/control/release")->access == Access::order);
  CHECK(find_route("GET", "/control/release")->access == Access::read);
  CHECK(find_route("HEAD", "/control/agents")->action == Action::show_agents);
  for (const char* path :
       {"/control/rollout", "/control/rollout/pause", "/control/rollout/resume",
        "/control/rollout/abort", "/control/rollout/undo", "/control/release/revoke",
        "/control/release/known", "/control/agents/forget"}) {
    CHECK(find_route("POST", path)->access == Access::order);
    CHECK(find_route("GET", path) == nullptr);
    CHECK(is_known_path(path));
  }
  CHECK(find_route("GET", "/control/torrent")->access == Access::agent);
  CHECK(find_route("GET", "/control/nothing") == nullptr);
  CHECK_FALSE(is_known_path("/control/nothing"));
}

TEST_CASE("a request's parameters are read as they were meant") {
  const auto request = parsed("PUT", "/control/release",
                              "app=shop&tag=v1%2B2&serial=7&by=mike%40laptop&token=1-2", "torrent");
  REQUIRE(request);
  CHECK(request->app == "shop");
  CHECK(request->tag == "v1+2");
  CHECK(request->serial == 7);
  CHECK(request->by == "mike@laptop");
  const auto audit = parsed("GET", "/control/audit", "from=12&max=5&viewer=x");
  REQUIRE(audit);
  CHECK(audit->from == 12);
  CHECK(audit->max == 5);
}

TEST_CASE("the end of a deploy has a text, and says what stays of fetches that were cut") {
  const auto request =
      parsed("POST", "/control/end", "", R"({"by":"ann","text":"undone","keep_partial":true})");
  REQUIRE(request);
  CHECK(find_route("POST", "/control/end")->access == Access::order);
  CHECK(request->action == Action::end_deploy);
  CHECK(request->text == "undone");
  CHECK(request->keep_partial);
  CHECK_FALSE(parsed("POST", "/control/end", "")->keep_partial);
  CHECK(fault("POST", "/control/end", "", R"({"text":1})") == "text: write a text");
  CHECK(fault("POST", "/control/end", "", R"({"keep_partial":"yes"})") ==
        "keep_partial: write true or false");
  CHECK(fault("POST", "/control/end", "", R"({"keep":true})") ==
        "'keep' is not a member of this request");
}

TEST_CASE("what a request lacks, and what it has too much, is named") {
  CHECK(fault("POST", "/control/rollout", "app=shop") == "the parameter tag is missing");
  CHECK(fault("GET", "/control/agents", "grup=web") == "'grup' is not a parameter of this request");
  CHECK(fault("GET", "/control/agents", "group=a&group=b") == "group is given twice");
  CHECK(fault("GET", "/control/audit", "from=-1") == "from: write a whole number");
  CHECK(fault("GET", "/control/torrent", "info_hash=12").find("40 hex") != std::string::npos);
  CHECK_FALSE(parsed("POST", "/control/rollout", "app=a%20b&tag=v1"));
  CHECK_FALSE(parsed("POST", "/control/rollout", "app=shop&tag=../v1"));
  CHECK_FALSE(parsed("POST", "/control/rollout", "app=shop&tag=%zz"));
}

TEST_CASE("the body of a rollout is its plan") {
  const auto request = parsed("POST", "/control/rollout", "app=shop&tag=v2",
                              R"({"by":"mike","groups":["web"],"waves":"1,50%","bake_s":30,
                                  "max_fail":"5%","on_failure":"rollback","max_unavailable":3})");
  REQUIRE(request);
  CHECK(request->by == "mike");
  CHECK(request->plan.groups == std::vector<std::string>{"web"});
  CHECK(request->plan.waves.size() == 3);
  CHECK(request->plan.bake == std::chrono::seconds(30));
  CHECK(request->plan.max_unavailable == control::Share{.number = 3});
  CHECK(request->plan.on_failure == control::OnFailure::rollback);
  CHECK(parsed("POST", "/control/rollout", "app=shop&tag=v2")->plan == control::Plan{});
  CHECK_FALSE(request->is_paused);
  CHECK(parsed("POST", "/control/rollout", "app=shop&tag=v2", R"({"paused":true})")->is_paused);
  CHECK(fault("POST", "/control/rollout", "app=shop&tag=v2", R"({"paused":1})")
            .starts_with("paused:"));
}

TEST_CASE("a body that is no such object is refused") {
  const auto of_start = [](std::string_view body) {
    return fault("POST", "/control/rollout", "app=shop&tag=v2", body);
  };
  CHECK(of_start("[]").find("JSON object") != std::string::npos);
  CHECK(of_start("{").find("JSON object") != std::string::npos);
  CHECK(of_start(std::string_view("{}\0", 3)).find("JSON object") != std::string::npos);
  CHECK(of_start(std::string_view("{}\0{\"by\":7}", 11)).find("JSON object") != std::string::npos);
  CHECK(of_start(R"({"wave":"1"})").starts_with("wave: "));
  CHECK(of_start(R"({"waves":"1,x"})").starts_with("waves: "));
  CHECK(of_start(R"({"bake_s":-1})").starts_with("bake_s: "));
  CHECK(of_start(R"({"bake_s":1e300})").starts_with("bake_s: "));
  CHECK(of_start(R"({"groups":"web"})").starts_with("groups: "));
  CHECK(of_start(R"({"groups":[7]})").starts_with("group"));
  CHECK(of_start(R"({"by":7})").starts_with("by: "));
  CHECK(fault("POST", "/control/rollout/pause", "app=shop", R"({"waves":"1"})")
            .starts_with("'waves' is not a member"));
}
