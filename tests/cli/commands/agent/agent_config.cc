#include "cli/commands/agent/agent_config.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "../../../temporary_directory.h"
#include "engine/base/small_file.h"

namespace murder::cli {
namespace {

std::string agent_error_of(const std::string& text) {
  const Result<agent::AgentOptions> options = parse_agent_config(text, "a.toml");
  return options ? "" : options.error().text;
}

const std::string least = "coordinators = \"t1\"\n[app.shop]\nto = \"/srv/shop\"\n";

}  // namespace

TEST_CASE("agent.toml says whom to ask, what this host takes, and what may be run") {
  const auto options = parse_agent_config(
      "coordinators = [\"t1:8998\", \"[::1]:9\", \"t2\"]\nhost = \"w1\"\ngroups = [\"web\", "
      "\"eu\"]\n"
      "rack = \"r7\"\nstate = \"/s/\"\nmetrics_file = \"/m\"\nseed_for = \"2m\"\n"
      "ip = \"10.0.0.7\"\npeer_port = \"51000-51099\"\ntransport = \"tls\"\n"
      "[app.shop]\nto = \"/srv/shop/\"\nkeep_releases = 3\n"
      "after_activate = \"systemctl reload shop\"\nafter_activate_timeout = 20\n"
      "health = \"curl -fsS http://localhost:8080/health\"\nhealth_timeout = \"2s\"\n"
      "download_limit = \"2gbit\"\n[app.db]\nto = \"/srv/db\"\nhealth_url = \"http://[::1]:1/x\"\n",
      "a.toml");
  REQUIRE_MESSAGE(options.has_value(), options.error().text);
  REQUIRE(options->coordinators.size() == 3);
  CHECK(options->coordinators[1] == HostPort{.host = "::1", .port = 9});
  CHECK(options->coordinators[2] == HostPort{.host = "t2", .port = 8998});
  CHECK(options->groups == std::vector<std::string>{"web", "eu"});
  CHECK(options->state_directory == "/s");
  CHECK(options->transport == "tls");
  CHECK(options->seed_for == std::chrono::minutes(2));
  REQUIRE(options->apps.size() == 2);
  const agent::AppOptions& db = options->apps[0];
  const agent::AppOptions& shop = options->apps[1];
  CHECK(db.name == "db");
  CHECK(db.keep_releases == 5);
  CHECK(db.has_health_check());
  CHECK(shop.to == "/srv/shop");
  CHECK(shop.keep_releases == 3);
  CHECK(shop.hook_time_max == std::chrono::seconds(20));
  CHECK(shop.health_time_max == std::chrono::seconds(2));
  CHECK(shop.after_activate == "systemctl reload shop");
}

TEST_CASE("the least that agent.toml says, and its defaults") {
  const auto options = parse_agent_config(least, "a.toml");
  REQUIRE_MESSAGE(options.has_value(), options.error().text);
  CHECK_FALSE(options->host.empty());
  CHECK(options->coordinators[0].port == 8998);
  CHECK_FALSE(options->apps[0].has_health_check());
}

TEST_CASE("agent.toml says how a release is fetched and what comes before it is current") {
  const auto options = parse_agent_config(
      "coordinators = \"t1\"\ntemp_path = \"/big/\"\n[app.shop]\nto = \"/srv/shop\"\n"
      "before_activate = \"drain\"\nupload_limit = \"1gbit\"\nno_sync = true\n"
      "unsafe_please_delete = true\napplication = \"\"\nuser = \"65534:65534\"\nxattrs = true\n"
      "keep_setid = true\nmax_unpacked = \"10GB\"\n[app.web]\nto = \"/srv/web\"\n",
      "a.toml");
  REQUIRE_MESSAGE(options.has_value(), options.error().text);
  CHECK(options->temp_path == "/big");
  const agent::AppOptions& shop = options->apps[0];
  CHECK(shop.before_activate == "drain");
  CHECK(shop.upload_limit == "1gbit");
  CHECK(shop.no_sync);
  CHECK(shop.unsafe_please_delete);
  CHECK(shop.application == "");
  CHECK_FALSE(options->apps[1].application.has_value());
  CHECK_FALSE(options->apps[1].no_sync);
  CHECK(shop.user == "65534:65534");
  CHECK(shop.xattrs);
  CHECK(shop.keep_setid);
  CHECK(shop.max_unpacked == "10GB");
  CHECK_FALSE(options->apps[1].keep_setid);
}

TEST_CASE("a deploy may keep all releases, and name places below the home of its user") {
  const std::string text =
      "coordinators = \"t1\"\n[app.shop]\nto = \"~/shop\"\nkeep_releases = 0\n";
  CHECK_FALSE(agent_error_of(text).empty());
  ::setenv("HOME", "/users/ann", 1);
  const auto options = parse_agent_config(text, "standard input", AgentKind::of_a_deploy);
  REQUIRE_MESSAGE(options.has_value(), options.error().text);
  CHECK(options->apps[0].to == "/users/ann/shop");
  CHECK(options->apps[0].keep_releases == 0);
  ::setenv("HOME", "", 1);
  CHECK_FALSE(parse_agent_config(text, "x", AgentKind::of_a_deploy).has_value());
}

TEST_CASE("what is wrong in agent.toml is said with its line") {
  CHECK(agent_error_of("coordinator = \"t1\"\n") ==
        "a.toml:1: unknown key 'coordinator': did you mean 'coordinators'?");
  CHECK(agent_error_of(least + "after_activation = \"x\"\n") ==
        "a.toml:4: unknown key 'after_activation': did you mean 'after_activate'?");
  CHECK(agent_error_of("[app.shop]\nto = \"/s\"\n").find("coordinators is missing") !=
        std::string::npos);
  CHECK(agent_error_of("coordinators = \"t1\"\n").find("no app") != std::string::npos);
  CHECK(agent_error_of("coordinators = \"t1\"\n[app.shop]\n").find("to is missing") !=
        std::string::npos);
  for (const char* line : {"to = 5",
                           "keep_releases = 0",
                           "keep_releases = \"5\"",
                           "health_timeout = \"soon\"",
                           "health_timeout = 0",
                           "download_limit = \"fast\"",
                           "health_url = \"ftp://x/\"",
                           "no_sync = 1",
                           "upload_limit = 5",
                           "application = \"a\\nb\"",
                           "application = 5",
                           "before_activate = \"\"",
                           "owner = \"no such user here\"",
                           "health = \"\"",
                           "user = \"no such user here\"",
                           "max_unpacked = \"much\"",
                           "max_unpacked = 5",
                           "xattrs = 1",
                           "record = false",
                           "health = \"x\\u0000\"",
                           "health = \"a\"\nhealth_url = \"http://x/\""}) {
    INFO(line);
    std::string text = least + line;
    if (std::string_view(line).starts_with("to")) {
      text = "coordinators = \"t1\"\n[app.shop]\n" + std::string(line);
    }
    CHECK(agent_error_of(text + "\n").find("a.toml:") == 0);
  }
  for (const char* line :
       {"coordinators = []", "coordinators = [\"a/b\"]", "coordinators = [\"t1:0\"]",
        "coordinators = [\"t1\", \"t1\"]", "coordinators = 8998"}) {
    INFO(line);
    CHECK(agent_error_of(std::string(line) + "\n[app.shop]\nto = \"/s\"\n").find("a.toml:") == 0);
  }
  for (const char* line :
       {"host = \"w 1\"", "groups = [\"a b\"]", "groups = [1]", "rack = \"-\"", "state = \"here\"",
        "open = 1", "open = true\nfleet_key = \"/k\"", "ip = \"w1\"", "peer_port = \"x\"",
        "app = 1", "transport = \"ssl\"", "transport = true", "transport = \"tls\"\nopen = true"}) {
    INFO(line);
    CHECK(agent_error_of(std::string(line) + "\n" + least).find("a.toml:") == 0);
  }
}

TEST_CASE("two apps do not share a directory, and an app's name is a name") {
  CHECK(agent_error_of(least + "[app.db]\nto = \"/srv/shop\"\n").find("same directory") !=
        std::string::npos);
  CHECK(agent_error_of("coordinators = \"t1\"\n[app.\"a b\"]\nto = \"/s\"\n").find("a.toml:2") ==
        0);
  CHECK(agent_error_of("coordinators = \"t1\"\n[app.\"../x\"]\nto = \"/s\"\n").empty());
}

TEST_CASE("an agent.toml that others may write is refused: it names commands") {
  const TemporaryDirectory directory;
  const std::string path = directory / "agent.toml";
  REQUIRE(write_small_file(path, least, false).has_value());
  CHECK(load_agent_config(path).has_value());
  REQUIRE(chmod(path.c_str(), 0666) == 0);
  const auto options = load_agent_config(path);
  REQUIRE_FALSE(options.has_value());
  CHECK(options.error().text.find("may be written by others") != std::string::npos);
  CHECK_FALSE(load_agent_config(directory.path()).has_value());
  CHECK_FALSE(load_agent_config(directory / "none").has_value());
}

}  // namespace murder::cli
