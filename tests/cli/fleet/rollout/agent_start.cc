#include "cli/fleet/rollout/agent_start.h"

#include <doctest/doctest.h>

#include "cli/commands/agent/agent_config.h"

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
