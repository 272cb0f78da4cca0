#include "cli/commands/tracker/tracker_config.h"

#include <doctest/doctest.h>

#include <string>

namespace murder::cli {
namespace {

std::string error_of(std::string_view text) {
  const Result<TrackerConfig> config = parse_tracker_config(text, "t.toml");
  return config ? "" : config.error().text;
}

bool begins(const std::string& text, std::string_view start) {
  return text.starts_with(start);
}

}  // namespace

TEST_CASE("an empty tracker.toml says nothing") {
  const auto config = parse_tracker_config("# nothing\n", "t.toml");
  REQUIRE(config);
  CHECK(config->listen.empty());
  CHECK_FALSE(config->port);
  CHECK_FALSE(config->racks);
  CHECK_FALSE(config->idle_max);
  CHECK_FALSE(config->hosts_max);
}

TEST_CASE("tracker.toml says where to listen, racks, an end and limits") {
  const auto config = parse_tracker_config(
      "listen = [\"10.0.0.7\", \"[::1]:9000\"]\nport = 8999\nend_when_idle = \"10m\"\n"
      "[racks]\n\"10.1.0.0/16\" = \"r7\"\n\"2001:db8::/48\" = \"r8\"\n"
      "[limits]\nconnections = 100\nhosts = 200\nreleases = 3\n",
      "t.toml");
  REQUIRE(config);
  CHECK(config->listen == std::vector<std::string>{"10.0.0.7", "[::1]:9000"});
  CHECK(config->port == 8999);
  CHECK(config->idle_max == std::chrono::minutes(10));
  REQUIRE(config->racks);
  CHECK(config->racks->find(IpAddress::parse("10.1.2.3").value()) == "r7");
  CHECK(config->racks->find(IpAddress::parse("2001:db8::5").value()) == "r8");
  CHECK(config->connections_max == 100);
  CHECK(config->hosts_max == 200);
  CHECK(config->releases_max == 3);
}

TEST_CASE("listen may be one address, and racks the path of a file") {
  const auto config = parse_tracker_config("listen = \"[::]:1\"\nracks = \"/etc/racks\"", "t.toml");
  REQUIRE(config);
  CHECK(config->listen == std::vector<std::string>{"[::]:1"});
  CHECK(config->racks_path == "/etc/racks");
}

TEST_CASE("an unknown key of tracker.toml is an error with its line") {
  CHECK(error_of("port = 1\n\nlisen = \"x\"\n") ==
        "t.toml:3: unknown key 'lisen': did you mean 'listen'?");
  CHECK(begins(error_of("[limits]\nhosts = 1\nhost = 2\n"), "t.toml:3: unknown key 'host'"));
  CHECK(begins(error_of("[fleet]\n"), "t.toml:1: unknown key 'fleet'"));
}

TEST_CASE("a wrong value of tracker.toml is an error with its line") {
  CHECK(begins(error_of("\nport = 70000"), "t.toml:2: port must be a number from 0 to 65535"));
  CHECK(begins(error_of("port = \"8998\""), "t.toml:1: port must be"));
  CHECK(begins(error_of("listen = [\n1]"), "t.toml:2: listen must be"));
  CHECK(begins(error_of("listen = []"), "t.toml:1: listen is empty"));
  CHECK(begins(error_of("end_when_idle = \"soon\""), "t.toml:1: end_when_idle must be"));
  CHECK(begins(error_of("limits = 3"), "t.toml:1: limits must be a table"));
  CHECK(begins(error_of("[limits]\nhosts = 0"), "t.toml:2: hosts must be"));
  CHECK(begins(error_of("[limits]\nconnections = 99999999"), "t.toml:2: connections must be"));
  CHECK(begins(error_of("racks = 7"), "t.toml:1: racks must be"));
}

TEST_CASE("a wrong rack of tracker.toml is an error with its line") {
  CHECK(begins(error_of("[racks]\n\"10.1.0.0/16\" = \"r7\"\n\"10.2\" = \"r8\"\n"),
               "t.toml:3: '10.2' is not a network"));
  CHECK(begins(error_of("[racks]\n\"10.1.0.1/16\" = \"r7\"\n"), "t.toml:2: 10.1.0.1/16 has bits"));
  CHECK(begins(error_of("[racks]\n\"10.1.0.0/16\" = \"\"\n"), "t.toml:2: "));
  CHECK(begins(error_of("[racks]\n\"10.1.0.0/16\" = 7\n"), "t.toml:2: the rack of"));
  CHECK(begins(error_of("[racks]\n\"10.1.0.0/16\" = \"r7\\n10.2.0.0/16 r8\"\n"), "t.toml:2: "));
  CHECK(begins(error_of("[racks]\n\"10.1.0.0/16 # \" = \"r7\"\n"), "t.toml:2: "));
}

TEST_CASE("what is not TOML is an error with its line") {
  CHECK(begins(error_of("port = 1\nport ==\n"), "t.toml:2: "));
  CHECK_FALSE(error_of("[[[").empty());
  CHECK_FALSE(error_of(std::string(100'000, '[')).empty());
}

}  // namespace murder::cli
