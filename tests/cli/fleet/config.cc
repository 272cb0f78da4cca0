#include "cli/fleet/config.h"

#include <doctest/doctest.h>

#include "engine/base/prng.h"
#include "support.h"

namespace murder::fleet {
namespace {

std::string error_of(std::string_view text) {
  const auto config = parse_config(text, "murder.toml");
  return config ? "no error" : config.error().text;
}

bool mentions(const std::string& text, std::string_view words) {
  return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("an application that nothing can be signed for is refused with its line") {
  CHECK(mentions(error_of("[murder]\napplication = \"-x\"\n"), "murder.toml:2: '-x' cannot name"));
  CHECK(mentions(error_of("[murder]\nsign_key = 1\n"), "murder.toml:2: sign_key"));
  CHECK(mentions(error_of("[murder]\ntransport = \"TLS\"\n"), "plain or tls"));
}

TEST_CASE("the coordinators of a fleet are a text or a list") {
  CHECK(parse_config("[murder]\ncoordinator = \"t1:8998\"\n", "f")->coordinators ==
        std::vector<std::string>{"t1:8998"});
  CHECK(parse_config("[murder]\ncoordinator = [\"t1\", \"t2\"]\n", "f")->coordinators ==
        std::vector<std::string>{"t1", "t2"});
  CHECK(parse_config("[murder]\n", "f")->coordinators.empty());
  CHECK(mentions(error_of("[murder]\ncoordinator = 1\n"), "murder.toml:2: coordinator"));
  CHECK(mentions(error_of("[murder]\ncoordinator = [1]\n"), "murder.toml:2: coordinator"));
}

TEST_CASE("a whole murder.toml is read") {
  const auto config = parse_config(R"(
[murder]
default_tag = "v1"
default_seeder_files_path = "build"
default_destination_path = "/srv/app"
remote_murder_path = "/opt/m"
default_temp_path = "/var/tmp"
tracker_port = 7000
sign_key = "~/.ssh/id.pub"
application = "shop/eu"
transport = "tls"
[roles]
tracker = ["t1", "t2"]
seeder = { host = "s1", ip = "10.0.0.9" }
peer = ["w[001-120]",
  {host="w200",address="10.0.0.7",port=2222,user="deploy",ip="10.0.0.7",no_release=true,rack="r7"}
]
[fleet]
launcher = "clush"
ssh = "ssh -F x"
forks = 20
retries = 0
connect_timeout = "5s"
command_timeout = 90
)",
                                   "murder.toml");
  INFO((config ? "" : config.error().text));
  REQUIRE(config);
  CHECK(config->variables == Variables{.default_tag = "v1",
                                       .default_seeder_files_path = "build",
                                       .default_destination_path = "/srv/app",
                                       .remote_murder_path = "/opt/m",
                                       .default_temp_path = "/var/tmp",
                                       .tracker_port = 7000,
                                       .sign_key = "~/.ssh/id.pub",
                                       .application = "shop/eu",
                                       .transport = "tls"});
  REQUIRE(config->trackers.size() == 2);
  CHECK(config->trackers[1].node_set == "t2");
  REQUIRE(config->seeders.size() == 1);
  CHECK(config->seeders[0].ip == "10.0.0.9");
  REQUIRE(config->peers.size() == 2);
  CHECK(config->peers[0].node_set == "w[001-120]");
  CHECK(config->peers[0].where == "murder.toml:15");
  const HostEntry& host = config->peers[1];
  CHECK(host.node_set == "w200");
  CHECK(host.address == "10.0.0.7");
  CHECK(host.port == 2222);
  CHECK(host.user == "deploy");
  CHECK(host.rack == "r7");
  CHECK(host.no_release == true);
  CHECK(config->reach.launcher == "clush");
  CHECK(config->reach.ssh == "ssh -F x");
  CHECK(config->reach.forks == 20);
  CHECK(config->reach.retries == 0);
  CHECK(config->reach.connect_timeout == Duration(std::chrono::seconds(5)));
  CHECK(config->reach.command_timeout == Duration(std::chrono::seconds(90)));
}

TEST_CASE("an empty murder.toml leaves Murder's defaults") {
  const auto config = parse_config("", "murder.toml");
  REQUIRE(config);
  CHECK(config->variables == Variables{});
  CHECK(config->peers.empty());
}

TEST_CASE("mistakes in murder.toml name the line and what may stand there") {
  CHECK(mentions(error_of("[murder]\ntracker_prot = 1\n"),
                 "murder.toml:2: there is no 'tracker_prot'"));
  CHECK(mentions(error_of("[murder]\ntracker_prot = 1\n"), "did you mean 'tracker_port'"));
  CHECK(mentions(error_of("[role]\n"), "did you mean 'roles'"));
  CHECK(mentions(error_of("[roles]\npeers = 'w1'\n"), "did you mean 'peer'"));
  CHECK(mentions(error_of("roles = 1\n"), "must be a table"));
  CHECK(mentions(error_of("[murder]\ntracker_port = 0\n"), "1 to 65535"));
  CHECK(mentions(error_of("[murder]\ntracker_port = 65536\n"), "1 to 65535"));
  CHECK(mentions(error_of("[murder]\ntracker_port = \"8998\"\n"), "murder.toml:2"));
  CHECK(mentions(error_of("[murder]\ndefault_tag = 5\n"), "quotes"));
  CHECK(mentions(error_of("[murder]\ndefault_tag = \"a\\u0000b\"\n"), "quotes"));
  CHECK(mentions(error_of("[roles]\n\npeer = [\n'w1',\n7]\n"), "murder.toml:5"));
  CHECK(mentions(error_of("[roles]\npeer = { port = 1 }\n"), "host is missing"));
  CHECK(mentions(error_of("[roles]\npeer = { host = 'a', prot = 1 }\n"), "did you mean 'port'"));
  CHECK(mentions(error_of("[roles]\npeer = { host = 'a', no_release = 'x' }\n"), "true or false"));
  CHECK(mentions(error_of("[fleet]\nconnect_timeout = 'soon'\n"), "\"10s\""));
  CHECK(mentions(error_of("[fleet]\nforks = 0\n"), "forks"));
}

TEST_CASE("letters of all alphabets may stand in strings, and nowhere else") {
  for (const char* letter :
       {"\u00e9", "\u02ff", "\u0416", "\u2e80", "\u3042", "\ufb86", "\u00a1"}) {
    const std::string text = std::string("[murder]\ndefault_tag = \"") + letter + "\" # " + letter;
    const Result<Config> config = parse_config(text, "m");
    CHECK_MESSAGE((config || config.error().text.find("m:2") != std::string::npos), letter);
    const Result<Config> key = parse_config(std::string("[murder]\nd") + letter + "x = 1\n", "m");
    REQUIRE_FALSE(key);
    CHECK(key.error().text.starts_with("m:2:"));
  }
}

TEST_CASE("what is not TOML is an error with its line") {
  CHECK(mentions(error_of("[murder]\ndefault_tag = \n"), "murder.toml:2"));
  CHECK_FALSE(parse_config(std::string(5000, '['), "murder.toml"));
  CHECK_FALSE(parse_config("a = " + std::string(100'000, '['), "murder.toml"));
  std::string key = "a";
  for (int part = 1; part < 100'000; ++part) {
    key += ".a";
  }
  CHECK(mentions(error_of("\n" + key + " = 1\n"), "murder.toml:2: a key has more than 17 parts"));
  CHECK_FALSE(parse_config(std::string_view("\xFF\xFE\0\1", 4), "murder.toml"));
}

TEST_CASE("whatever is in a murder.toml, it is read or refused") {
  const std::string whole =
      "[murder]\ntracker_port = 0x1F40\ndefault_tag = \"\"\"a\\u00e9\"\"\" # c\n[roles]\n"
      "peer = ['w[1-3]', { host = \"w4\", no_release = true, port = 1_0 }]\n[[x]]\na.b.c = 1e9\n"
      "d = 1979-05-27T07:32:00Z\n";
  const std::string marks = "[]{}=.,'\"#\n\\\t -_+:0123456789aeuxTZ\0\x80\xFF";
  Prng prng(7);
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (uint32_t count = 1 + prng.below(4); count > 0; --count) {
      const uint32_t place = prng.below(static_cast<uint32_t>(text.size()));
      const char mark = marks[prng.below(static_cast<uint32_t>(marks.size()))];
      if (prng.below(3) == 0) {
        text.erase(place, 1 + prng.below(20));
      } else if (prng.below(2) == 0) {
        text.insert(place, 1 + prng.below(3), mark);
      } else {
        text[place] = mark;
      }
      text += '\n';
    }
    refused += parse_config(text, "murder.toml") ? 0 : 1;
  }
  CHECK(refused > 1000);
}

TEST_CASE("a configuration that was named must be there") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/fleet.toml";
  CHECK_FALSE(load_config(path));
  write_file(path, "[roles]\npeer = 'w1'\n");
  const auto config = load_config(path);
  REQUIRE(config);
  CHECK(config->path == path);
  CHECK(config->peers[0].where == path + ":2");
}

TEST_CASE("a file of hosts has a node set a line and what holds for it") {
  const auto hosts = parse_hosts(
      "# the fleet\n\nw[001-120]\r\n  w200 port=2222 user=deploy ip=10.0.0.7 rack=r7 no_release # "
      "x\n"
      "w201 address=10.0.0.8 no_release=0",
      "hosts");
  INFO((hosts ? "" : hosts.error().text));
  REQUIRE(hosts);
  REQUIRE(hosts->size() == 3);
  CHECK((*hosts)[0].node_set == "w[001-120]");
  CHECK((*hosts)[0].where == "hosts:3");
  CHECK((*hosts)[1].port == 2222);
  CHECK((*hosts)[1].user == "deploy");
  CHECK((*hosts)[1].ip == "10.0.0.7");
  CHECK((*hosts)[1].rack == "r7");
  CHECK((*hosts)[1].no_release == true);
  CHECK((*hosts)[2].address == "10.0.0.8");
  CHECK((*hosts)[2].no_release == false);
}

TEST_CASE("what is not known behind a host is an error with its line") {
  for (const char* text : {"w1\nw2 prot=1", "w1\nw2 port=70000", "w1\nw2 port=", "w1\nw2 port=22x",
                           "w1\nw2 w3", "w1\nw2 user=", "w1\nw2 no_release=maybe"}) {
    CAPTURE(text);
    const auto hosts = parse_hosts(text, "hosts");
    REQUIRE_FALSE(hosts);
    CHECK(mentions(hosts.error().text, "hosts:2: "));
  }
}

TEST_CASE("files that were written on Windows are read as any other") {
  const std::string toml =
      "\xEF\xBB\xBF[murder]\r\ndefault_tag = \"v1\"\r\n[roles]\r\npeer = \"w1\"\r\n";
  const auto config = parse_config(toml, "murder.toml");
  REQUIRE(config);
  CHECK(config->variables.default_tag == "v1");
  CHECK(config->peers.size() == 1);
  const auto hosts = parse_hosts("\xEF\xBB\xBFw1 port=2222\r\n# all\r\n\r\nw2\r\n", "hosts");
  REQUIRE(hosts);
  REQUIRE(hosts->size() == 2);
  CHECK((*hosts)[0].node_set == "w1");
  CHECK((*hosts)[0].port == 2222);
  CHECK((*hosts)[1].node_set == "w2");
  const auto wide = parse_hosts(std::string("\xFF\xFEw\0", 4), "hosts");
  REQUIRE_FALSE(wide);
  CHECK(wide.error().text.find("UTF-16") != std::string::npos);
}

TEST_CASE("the file of metrics is a path of the hosts that the collector reads") {
  const auto file_of = [](const std::string& value) {
    const auto config = parse_config("[murder]\nmetrics_file = \"" + value + "\"\n", "t");
    return config ? config->variables.metrics_file : "refused";
  };
  CHECK(file_of("/var/lib/x/murder.prom") == "/var/lib/x/murder.prom");
  CHECK(file_of("~/murder.prom") == "~/murder.prom");
  CHECK(file_of("").empty());
  for (const char* wrong : {"murder.prom", "/var/lib/x", "/var/lib/x/", "-/x.prom"}) {
    CHECK(file_of(wrong) == "refused");
  }
}

TEST_CASE("root on all hosts or on some, and the ports of peers") {
  const auto config = parse_config(
      "[murder]\npeer_port = \"51000-51099\"\n[fleet]\nbecome = true\n"
      "[roles]\npeer = [\"w1\", { host = \"w2\", become = false }]\n",
      "murder.toml");
  REQUIRE(config);
  CHECK(config->variables.peer_port == "51000-51099");
  CHECK(config->reach.become == true);
  CHECK(config->peers[1].become == false);
  CHECK(parse_config("[murder]\npeer_port = 51000\n", "t")->variables.peer_port == "51000");
  for (const char* wrong : {"[murder]\npeer_port = \"9-8\"\n", "[fleet]\nbecome = \"yes\"\n"}) {
    CHECK_FALSE(parse_config(wrong, "t"));
  }
  const auto hosts = parse_hosts("w1 become\nw2 become=0\nw3\n", "hosts");
  REQUIRE(hosts);
  const auto inventory = resolve_inventory({.peers = *hosts});
  REQUIRE(inventory);
  CHECK(inventory->hosts[0].become);
  CHECK_FALSE(inventory->hosts[1].become);
  CHECK_FALSE(inventory->hosts[2].become);
  const auto all = resolve_inventory({.peers = *hosts, .become = true});
  REQUIRE(all);
  CHECK(all->hosts[2].become);
  CHECK_FALSE(all->hosts[1].become);  // what was said of a host itself is nearer
}

}  // namespace murder::fleet
