#include "cli/fleet/rollout/agent_start.h"

#include <doctest/doctest.h>

#include "cli/commands/agent/agent_config.h"
#include "cli/fleet/rollout/agent_starts.h"

using namespace murder;
using namespace murder::fleet;

TEST_CASE("an agent reads back what it was told, whatever stands in it") {
  const AgentStart start{.coordinator = "10.0.0.1:8998",
                         .host = "w1",
                         .ip = "10.0.0.7",
                         .rack = "r1",
                         .peer_port = "51000-51010",
                         .temp_path = "/var/tmp",
                         .app = "deploy",
                         .to = "/srv/my \"app\"",
                         .application = "",
                         .limits = {.upload = 5000, .download = 1'000'000},
                         .no_sync = true,
                         .keep_archives = true,
                         .is_recorded = false,
                         .placing = {.owner = "0:0",
                                     .user = "65534:65534",
                                     .keep_setid = true,
                                     .xattrs = true,
                                     .unpacked_bytes_max = 10'000'000},
                         .health = "curl -fsS 'http://[::1]/' \\\n  | grep \"ok\"\t#",
                         .before_activate = "true",
                         .after_activate = "systemctl reload shop"};
  const auto read = cli::parse_agent_config(agent_config_text(start), "standard input",
                                            cli::AgentKind::of_a_deploy);
  REQUIRE_MESSAGE(read, read.error().text);
  CHECK(read->coordinators == std::vector{codec::ServerPlace{{.host = "10.0.0.1", .port = 8998}}});
  CHECK(read->host == "w1");
  CHECK(read->ip == "10.0.0.7");
  CHECK(read->rack == "r1");
  CHECK(read->temp_path == "/var/tmp");
  REQUIRE(read->apps.size() == 1);
  const agent::AppOptions& app = read->apps.front();
  CHECK(app.name == "deploy");
  CHECK(app.to == start.to);
  CHECK(app.application == "");
  CHECK(app.keep_releases == 0);
  CHECK(app.download_limit == "1000000B");
  CHECK(app.upload_limit == "5000B");
  CHECK(app.no_sync);
  CHECK_FALSE(app.unsafe_please_delete);
  CHECK(read->keep_archives);
  CHECK_FALSE(app.is_recorded);
  CHECK(app.owner == "0:0");
  CHECK(app.user == "65534:65534");
  CHECK(app.keep_setid);
  CHECK(app.xattrs);
  CHECK(app.max_unpacked == "10000000");
  CHECK(app.health == start.health);
  CHECK(app.before_activate == start.before_activate);
  CHECK(app.after_activate == start.after_activate);
}

TEST_CASE("a host whose name no coordinator takes has a number") {
  CHECK(agent_name_of({.name = "w1.example"}, 4) == "w1.example");
  CHECK(agent_name_of({.name = "ops@w1"}, 4) == "host-4");
}

TEST_CASE("an agent that does not reach its coordinator wants a channel") {
  const AgentWords words{.token = "ab12", .tag = "v1", .owner = "ann@laptop", .origin = "a b"};
  CHECK(agent_start_command("/opt/murder", words).find("--connect-within 4s") != std::string::npos);
  CHECK(agent_channel_command("/opt/murder", words) ==
        "/opt/murder/murder agent --once --token ab12 --tag v1 --owner ann@laptop --origin 'a b' "
        "--stdio --quiet");
  CHECK(relay_command("/opt/murder", 8998) ==
        "/opt/murder/murder relay --coordinator 127.0.0.1:8998 --channels --quiet");
  const auto reason_of = [](Outcome outcome, std::string output) {
    return reason_to_pass_on({.outcome = outcome, .output = std::move(output)});
  };
  const std::string unconnected =
      R"({"error":{"code":"network","text":"no coordinator: 10.0.0.1:8998: timed out"}})";
  CHECK(reason_of(Outcome::failed, unconnected + "\n") ==
        "no coordinator: 10.0.0.1:8998: timed out");
  // It has another trouble, or was not reached itself.
  CHECK(reason_of(Outcome::failed, R"({"error":{"code":"no_space","text":"full"}})") == "");
  CHECK(reason_of(Outcome::failed, "") == "");
  CHECK(reason_of(Outcome::unreachable, unconnected) == "");
  CHECK(reason_of(Outcome::ok, unconnected) == "");
}
