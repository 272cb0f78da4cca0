#include "agent/commands.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace murder;
using namespace murder::agent;

namespace {

bool has(const Words& words, const std::string& name, const std::string& value) {
  const auto found = std::find(words.begin(), words.end(), name);
  return found != words.end() && found + 1 != words.end() && *(found + 1) == value;
}

bool has(const Words& words, const std::string& name) {
  return std::find(words.begin(), words.end(), name) != words.end();
}

struct CommandBench {
  AgentOptions agent{.host = "w1",
                     .rack = "r7",
                     .coordinators = {{{.host = "t1", .port = 8998}},
                                      {{.host = "::1", .port = 1}},
                                      {{.host = "t2", .port = 2}, true, "SHA256:a"}},
                     .fleet_key = "/k"};
  AppOptions app{
      .name = "shop", .to = "/srv/shop", .owner = "shop:shop", .download_limit = "2gbit"};
  AppPlace place{.torrents = "/s/t", .archives = "/s/a", .run = "/s/r"};

  CommandPlace at() { return {"/usr/bin/murder", agent, app, place}; }
};

}  // namespace

TEST_CASE("a fetch is what the configuration says, and announces to the agent's coordinators") {
  CommandBench bench;
  const Words words = fetch_command(bench.at(), {.torrent = "/s/t/x.torrent"});
  CHECK(words[0] == "/usr/bin/murder");
  CHECK(words[1] == "peer");
  CHECK(has(words, "--to", "/srv/shop"));
  CHECK(has(words, "--owner", "shop:shop"));
  CHECK(has(words, "--app", "shop"));
  CHECK(has(words, "--rack", "r7"));
  CHECK(has(words, "--download-limit", "2gbit"));
  CHECK(has(words, "--fleet-key", "/k"));
  CHECK(has(words, "--run-dir", "/s/r"));
  CHECK(has(words, "--temp-path", "/s/a"));
  CHECK(has(words, "--tracker", "http://t1:8998/announce"));
  CHECK(has(words, "http://[::1]:1/announce"));
  CHECK(has(words, "https://t2:2/announce#pin=SHA256:a"));
  CHECK_FALSE(has(words, "--allow-older"));
  CHECK_FALSE(has(words, "--open"));
  CHECK_FALSE(has(words, "--transport"));
  CHECK(std::count(words.begin(), words.end(), "") == 0);
}

TEST_CASE("a fetch of a deploy is as the deploy was asked to") {
  CommandBench bench;
  bench.app.upload_limit = "1gbit";
  bench.app.no_sync = bench.app.unsafe_please_delete = true;
  bench.app.application = "storefront";
  bench.app.user = "fetcher";
  bench.app.max_unpacked = "10GB";
  bench.app.xattrs = bench.app.keep_setid = true;
  Words words = fetch_command(bench.at(), {.torrent = "x"});
  CHECK(has(words, "--upload-limit", "1gbit"));
  CHECK(has(words, "--no-sync"));
  CHECK(has(words, "--unsafe-please-delete"));
  CHECK(has(words, "--app", "storefront"));
  CHECK(has(words, "--user", "fetcher"));
  CHECK(has(words, "--max-unpacked", "10GB"));
  CHECK(has(words, "--xattrs"));
  CHECK(has(words, "--keep-setid"));
  CHECK(has(words, "--record"));
  bench.app = {.name = "shop", .to = "/srv/shop", .application = ""};
  words = fetch_command(bench.at(), {.torrent = "x"});
  bench.app.is_recorded = false;
  words = fetch_command(bench.at(), {.torrent = "x"});
  for (const char* word : {"--app", "--no-sync", "--unsafe-please-delete", "--upload-limit",
                           "--user", "--max-unpacked", "--xattrs", "--keep-setid", "--record"}) {
    CHECK_FALSE(has(words, word));
  }
}

TEST_CASE("a fetch is as encrypted as the configuration says") {
  CommandBench bench;
  for (const char* way : {"plain", "tls"}) {
    bench.agent.transport = way;
    CHECK(has(fetch_command(bench.at(), {.torrent = "x"}), "--transport", way));
  }
}

TEST_CASE("an open fleet has no key, and a rollback may be older") {
  CommandBench bench;
  bench.agent.is_open = true;
  const Words words = fetch_command(bench.at(), {.torrent = "x", .allow_older = true});
  CHECK(has(words, "--open"));
  CHECK_FALSE(has(words, "--fleet-key"));
  CHECK(has(words, "--allow-older"));
}

TEST_CASE("what is cleaned up is of this app alone") {
  CommandBench bench;
  const Words words =
      clean_command(bench.at(), {.tag = "v1", .is_file = true, .stop = true, .keep_partial = true});
  for (const char* word : {"v1", "--path-is-file", "--stop", "--keep-partial"}) {
    CHECK(has(words, word));
  }
  CHECK(has(words, "--run-dir", "/s/r"));
  CHECK(has(words, "--temp-path", "/s/a"));
  CHECK(has(remove_command(bench.at(), "v1"), "--remove", "v1"));
  CHECK(has(keep_command(bench.at()), "--keep", "5"));
  CHECK(has(activate_command(bench.at(), "v1", true), "--rollback"));
  CHECK_FALSE(has(activate_command(bench.at(), "v1", false), "--rollback"));
}
