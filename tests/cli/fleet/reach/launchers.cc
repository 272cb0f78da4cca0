#include "cli/fleet/reach/launchers.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>

#include "../support.h"
#include "cli/fleet/plan/shell_words.h"
#include "cli/fleet/reach/make_launcher.h"

namespace murder::fleet {
namespace {

using Words = std::vector<std::string>;

Inventory two_hosts() {
  auto inventory = resolve_inventory({.peers = {{.node_set = "w1", .where = "t"},
                                                {.node_set = "w2",
                                                 .address = "10.0.0.2",
                                                 .port = 2222,
                                                 .user = "deploy",
                                                 .rack = "r/7",
                                                 .where = "t"}}});
  REQUIRE(inventory);
  return std::move(*inventory);
}

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Words launched(Launcher& launcher, const HostIndex host, std::string_view command) {
  const auto launch = launcher.launch({.hosts = {&host, 1}, .command = command});
  INFO((launch ? "" : launch.error().text));
  REQUIRE(launch);
  return launch->arguments;
}

}  // namespace

TEST_CASE("ssh gets user, port and address, and the command as one word behind --") {
  const TemporaryDirectory temporary;
  const Inventory inventory = two_hosts();
  auto launcher = make_launcher({.ssh_command = "ssh -F 'my file'",
                                 .connect_timeout = std::chrono::milliseconds(1500),
                                 .run_directory = temporary.path() + "/run"},
                                inventory);
  REQUIRE(launcher);
  const Words words = launched(**launcher, inventory.peers[1], "-x 'a b'");
  CHECK(Words(words.begin(), words.begin() + 3) == Words{"ssh", "-F", "my file"});
  CHECK(Words(words.end() - 7, words.end()) ==
        Words{"-p", "2222", "-l", "deploy", "--", "10.0.0.2", "-x 'a b'"});
  CHECK(has(words, "BatchMode=yes"));
  CHECK(has(words, "ConnectTimeout=2"));
  // What an ssh_config says for sessions of a person.
  CHECK(has(words, "RemoteCommand=none"));
  CHECK(has(words, "ClearAllForwardings=yes"));
  CHECK(has(words, "PermitLocalCommand=no"));
  CHECK(has(words, "LogLevel=INFO"));
  const Words other = launched(**launcher, inventory.peers[0], "true");
  CHECK(Words(other.end() - 3, other.end()) == Words{"--", "w1", "true"});
  CHECK_FALSE(has(other, "-p"));
  for (const Words& each : {words, other}) {
    for (const std::string& word : each) {
      CHECK(word.find("StrictHostKeyChecking") == std::string::npos);
    }
  }
}

TEST_CASE("the directory of shared connections is short, private, and gone at the end") {
  const TemporaryDirectory temporary;
  const Inventory inventory = two_hosts();
  for (const std::string& run :
       {temporary.path() + "/run", temporary.path() + "/" + std::string(90, 'r')}) {
    std::string directory;
    {
      auto launcher = make_launcher({.run_directory = run}, inventory);
      REQUIRE(launcher);
      const Words words = launched(**launcher, inventory.peers[0], "true");
      const auto path = std::find_if(words.begin(), words.end(), [](const std::string& word) {
        return word.starts_with("ControlPath=");
      });
      REQUIRE(path != words.end());
      directory = path->substr(12, path->rfind('/') - 12);
      CHECK(path->size() - 12 + 17 < 108);
      CHECK(std::filesystem::status(directory).permissions() == std::filesystem::perms::owner_all);
    }
    CHECK_FALSE(std::filesystem::exists(directory));
  }
}

TEST_CASE("a percent sign in the run directory is not one of ssh's tokens") {
  const TemporaryDirectory temporary;
  const auto connections = SharedConnections::create(temporary.path() + "/%h");
  REQUIRE(connections);
  CHECK(connections->control_path(HostIndex{7}).find("/%%h/ssh-") != std::string::npos);
  CHECK(connections->control_path(HostIndex{7}).ends_with("/h7"));
}

TEST_CASE("what a process that died has left is removed by the next") {
  const TemporaryDirectory temporary;
  const std::string dead = temporary.path() + "/ssh-999999999-abcdef";
  const std::string alive = temporary.path() + "/ssh-1-abcdef";
  for (const std::string& path : {dead, alive}) {
    std::filesystem::create_directory(path);
    write_file(path + "/h0", "");
  }
  std::filesystem::permissions(temporary.path(), std::filesystem::perms::owner_all);
  REQUIRE(SharedConnections::create(temporary.path()));
  CHECK_FALSE(std::filesystem::exists(dead));
  CHECK(std::filesystem::exists(alive));
}

TEST_CASE("more hosts than shared connections may be do not share") {
  const TemporaryDirectory temporary;
  const Inventory inventory = inventory_of("w[1-1001]");
  static_assert(limits::shared_connections_max == 1000);
  auto launcher = make_launcher({.run_directory = temporary.path()}, inventory);
  REQUIRE(launcher);
  CHECK_FALSE(has(launched(**launcher, inventory.peers[0], "true"), "ControlMaster=auto"));
}

TEST_CASE("MURDER_SSH takes the place of ssh, --ssh that of MURDER_SSH") {
  const TemporaryDirectory temporary;
  const Inventory inventory = two_hosts();
  setenv("MURDER_SSH", "other-ssh -4", 1);
  auto from_variable = make_launcher({.run_directory = temporary.path()}, inventory);
  auto from_option =
      make_launcher({.ssh_command = "third", .run_directory = temporary.path()}, inventory);
  unsetenv("MURDER_SSH");
  REQUIRE(from_variable);
  REQUIRE(from_option);
  CHECK(launched(**from_variable, inventory.peers[0], "true").front() == "other-ssh");
  CHECK(launched(**from_option, inventory.peers[0], "true").front() == "third");
}

TEST_CASE("an ssh command that needs a shell gets one, and its arguments whole") {
  const TemporaryDirectory temporary;
  write_script(temporary.path() + "/fake", "for word; do printf '<%s>' \"$word\"; done\n");
  const Inventory inventory = inventory_of("w1");
  auto launcher = make_launcher(
      {.ssh_command = "X=1; \"$HOME_OF_FAKE\"/fake ${X}", .run_directory = temporary.path()},
      inventory);
  REQUIRE(launcher);
  setenv("HOME_OF_FAKE", temporary.path().c_str(), 1);
  const auto results = run_jobs(inventory, jobs_for(inventory, "echo 'a  b' $x"), **launcher, {});
  unsetenv("HOME_OF_FAKE");
  CHECK(results[0].output.starts_with("<1><-T>"));
  CHECK(results[0].output.ends_with("<--><w1><echo 'a  b' $x>"));
}

TEST_CASE("exec quotes what it puts into the template, and leaves other braces alone") {
  const Inventory inventory = two_hosts();
  auto launcher = make_launcher(
      {.launcher = "exec:f() { printf '<%s>' \"$@\"; }; f {host} {address} {port} {user} {rack} "
                   "${HOME:+home} {command} {other}"},
      inventory);
  REQUIRE(launcher);
  const auto results = run_jobs(inventory, jobs_for(inventory, "it's $HOME"), **launcher, {});
  CHECK(results[0].output == "<w1><w1><><><><home><it's $HOME><{other}>");
  CHECK(results[1].output == "<w2><10.0.0.2><2222><deploy><r/7><home><it's $HOME><{other}>");
}

TEST_CASE("launchers that are not known or not whole are errors") {
  const Inventory inventory = two_hosts();
  for (const char* text :
       {"rsh", "", "exec:", "exec:ssh {host}", "exec:sh -c {command}", "clushy", "clush 'x"}) {
    CAPTURE(text);
    CHECK_FALSE(make_launcher({.launcher = text}, inventory));
  }
  CHECK_FALSE(make_launcher({.ssh_command = "ssh 'x"}, inventory));
}

TEST_CASE("a tree reaches hosts of one user and port in one process, a host alone by ssh") {
  const TemporaryDirectory temporary;
  const Inventory inventory = inventory_of("w[1-3]");
  auto launcher = make_launcher({.launcher = "clush --topology=x",
                                 .ssh_command = "ssh -F y",
                                 .run_directory = temporary.path()},
                                inventory);
  REQUIRE(launcher);
  const auto launch = (*launcher)->launch({.hosts = inventory.peers, .command = "true"});
  REQUIRE(launch);
  CHECK(launch->is_labelled);
  CHECK(launch->hosts_text == "w1\nw2\nw3\n");
  CHECK(launch->arguments[0] == "clush");
  CHECK(launch->arguments[1] == "--topology=x");
  CHECK(has(launch->arguments, "ssh_path=ssh -F y"));
  CHECK(has(launch->arguments, "--nostdin"));
  CHECK(launched(**launcher, inventory.peers[0], "true").front() == "ssh");
  const Inventory others = two_hosts();
  CHECK_FALSE((*launcher)->go_together(others.hosts[0], others.hosts[1]));
  CHECK((*launcher)->go_together(inventory.hosts[0], inventory.hosts[1]));
}

TEST_CASE("hosts behind a tree have their own results, and the lost ones are tried again") {
  const TemporaryDirectory temporary;
  // As clush: a line per line of output with its host in front. w2 is reached the second time.
  write_script(temporary.path() + "/clush", R"(for command; do :; done
echo run >>"$0.runs"
for host in $(cat /dev/fd/3); do
  if [ $host = w2 ] && [ $(wc -l <"$0.runs") = 1 ] || [ $host = w4 ] || [ $host = w5 ]; then
    echo "$host: Connection refused" >&2; echo "clush: $host: exited with exit code 255" >&2
  else
    HOST_NAME=$host sh -c "$command" 2>"$0.log" | sed "s/^/$host: /"
    sed "s/^/$host: /" "$0.log" >&2
  fi
done
)");
  write_script(temporary.path() + "/ssh", "echo 'no ssh' >&2; exit 255\n");
  const std::string path = getenv("PATH");
  setenv("PATH", (temporary.path() + ":" + path).c_str(), 1);
  const Inventory inventory = inventory_of("w[1-5]");
  auto launcher =
      make_launcher({.launcher = "clush", .run_directory = temporary.path() + "/run"}, inventory);
  REQUIRE(launcher);
  const auto results =
      run_jobs(inventory,
               jobs_for(inventory,
                        "echo hello $HOST_NAME; [ $HOST_NAME != w3 ] || { echo bad >&2; exit 4; }"),
               **launcher, {.retries = 1});
  setenv("PATH", path.c_str(), 1);
  CHECK(results[0].is_ok());
  CHECK(results[0].output == "hello w1\n");
  CHECK(results[1].is_ok());
  CHECK(results[1].attempts == 2);
  CHECK(results[1].output == "hello w2\n");
  CHECK(results[2].outcome == Outcome::failed);
  CHECK(results[2].exit_code == 4);
  CHECK(results[2].reason == "bad");
  CHECK(results[3].outcome == Outcome::unreachable);
  CHECK(results[3].reason == "Connection refused");
  CHECK(results[4].attempts == 2);
  CHECK(read_file(temporary.path() + "/clush.runs") == "run\nrun\n");
}

}  // namespace murder::fleet
