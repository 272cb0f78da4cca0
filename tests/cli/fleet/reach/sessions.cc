#include "cli/fleet/reach/session_marks.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "../support.h"
#include "cli/fleet/reach/runner.h"

namespace murder::fleet {
namespace {

// As ssh: a command may be a shell that takes further ones. Notes how often it starts something.
class SessionLauncher : public ExecLauncher {
 public:
  explicit SessionLauncher(const Inventory& inventory,
                           const std::string& how = "HOST_NAME={host} exec sh -c {command}")
      : ExecLauncher(how, inventory) {}
  [[nodiscard]] bool keeps_sessions() const override { return true; }
  [[nodiscard]] Result<Launch> launch(const LaunchRequest& request) override {
    ++launches;
    return ExecLauncher::launch(request);
  }

  int launches = 0;
};

class Results : public RunObserver {
 public:
  void finished_of(const JobKind& kind, HostResult& result) override {
    all.push_back(result);
    last_kind = &kind;
  }

  std::vector<HostResult> all;
  const JobKind* last_kind = nullptr;
};

void run_all(Runner& runner) {
  while (!runner.is_idle()) {
    runner.step();
  }
}

}  // namespace

TEST_CASE("the end of a command is found however its output is cut") {
  SessionMarks marks("mark-7f-");
  const std::string output = "mark-7f- is no mark here\n-mark-7f-1\npart\nmark-7f-42\n";
  for (const char each : output) {
    CHECK_FALSE(marks.exit_code());
    marks.take_output(std::string_view(&each, 1));
  }
  CHECK_FALSE(marks.exit_code());  // standard error has not ended
  marks.take_log("trouble\nmark-7f-42\n");
  CHECK(marks.exit_code() == 42);
  marks.begin();
  CHECK_FALSE(marks.exit_code());
}

TEST_CASE(
    "commands of a host go through one session, each with its input, output and exit status") {
  const Inventory inventory = inventory_of("w[1-2]");
  SessionLauncher launcher(inventory);
  Results results;
  Runner runner(inventory, launcher, 4, results, true);
  const JobKind plain{.stage = "plain"};
  const std::string binary("a\0b\nc'", 6);
  const JobKind fed{.stage = "fed", .input = binary};
  for (const HostIndex host : inventory.peers) {
    runner.add({.host = host, .command = "echo out $HOST_NAME; echo log >&2", .kind = &plain});
  }
  run_all(runner);
  CHECK(launcher.launches == 2);
  runner.add(
      {.host = inventory.peers[0], .command = "od -An -c; printf no-end; exit 3", .kind = &fed});
  run_all(runner);
  runner.add(
      {.host = inventory.peers[0], .command = "sh -c 'cat; echo $HOST_NAME'", .kind = &plain});
  run_all(runner);
  CHECK(launcher.launches == 2);
  REQUIRE(results.all.size() == 4);
  CHECK(results.all[0].output.starts_with("out w"));
  CHECK(results.all[2].exit_code == 3);
  CHECK(results.all[2].output.find("a  \\0   b  \\n   c   '") != std::string::npos);
  CHECK(results.all[2].output.find("no-end") != std::string::npos);
  CHECK(results.all[3].is_ok());
  CHECK(results.all[3].output.starts_with("w1\n"));
}

TEST_CASE("a login shell that asks something at its start gets empty answers") {
  const Inventory inventory = inventory_of("w1");
  SessionLauncher launcher(inventory,
                           "read one; read two; echo \"<$one$two>\"; exec sh -c {command}");
  Results results;
  Runner runner(inventory, launcher, 4, results, true);
  const JobKind plain{.stage = "plain", .command_timeout = std::chrono::seconds(20)};
  for (const char* command : {"echo first", "echo second"}) {
    runner.add({.host = inventory.peers.front(), .command = command, .kind = &plain});
    run_all(runner);
  }
  CHECK(launcher.launches == 1);
  REQUIRE(results.all.size() == 2);
  CHECK(results.all[0].output.starts_with("<>\nfirst\n"));
  CHECK(results.all[1].output.starts_with("second\n"));
}

TEST_CASE("a session that has ended, was stopped or is at work is not used for the next command") {
  std::signal(SIGPIPE, SIG_IGN);  // as in main
  const Inventory inventory = inventory_of("w1");
  const HostIndex host = inventory.peers.front();
  // The shell of the session is the process that was launched.
  SessionLauncher launcher(inventory, "eval exec {command}");
  Results results;
  Runner runner(inventory, launcher, 4, results, true);
  const JobKind plain{.stage = "plain"};
  const JobKind hasty{.stage = "hasty", .command_timeout = std::chrono::milliseconds(200)};
  // The shell itself ends: as a connection that is lost while it has nothing to do.
  runner.add({.host = host, .command = "echo $$", .kind = &plain});
  run_all(runner);
  const auto pid = static_cast<pid_t>(std::stol(results.all[0].output));
  kill(pid, SIGKILL);
  siginfo_t info{};
  REQUIRE(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  runner.add({.host = host, .command = "echo again", .kind = &plain});
  run_all(runner);
  CHECK(results.all[1].is_ok());
  // Too slow: what it says later belongs to no other command.
  runner.add({.host = host, .command = "sleep 60; echo late", .kind = &hasty});
  run_all(runner);
  CHECK(results.all[2].outcome == Outcome::timed_out);
  runner.add({.host = host, .command = "echo next", .kind = &plain});
  run_all(runner);
  CHECK(results.all[3].output.find("next") != std::string::npos);
  CHECK(results.all[3].output.find("late") == std::string::npos);
  // Two at the same time.
  const int before = launcher.launches;
  runner.add({.host = host, .command = "echo one", .kind = &plain});
  runner.add({.host = host, .command = "echo two", .kind = &plain});
  run_all(runner);
  CHECK(launcher.launches == before + 1);
  CHECK(results.all[4].is_ok());
  CHECK(results.all[5].is_ok());
}

TEST_CASE("what fits no session line goes by a process of its own") {
  const Inventory inventory = inventory_of("w1");
  const HostIndex host = inventory.peers.front();
  SessionLauncher launcher(inventory);
  Results results;
  Runner runner(inventory, launcher, 1, results, true);
  const std::string large(100'000, 'x');
  const JobKind plain{.stage = "plain"};
  const JobKind fed{.stage = "fed", .input = large};
  runner.add({.host = host, .command = "echo first", .kind = &plain});
  run_all(runner);
  runner.add({.host = host, .command = "wc -c", .kind = &fed});
  run_all(runner);
  CHECK(results.all[1].output.find("100000") != std::string::npos);
  runner.add({.host = host, .command = "echo one\necho two", .kind = &plain});
  run_all(runner);
  CHECK(results.all[2].output.find("one\ntwo\n") != std::string::npos);
}

TEST_CASE("with more hosts than forks a host that has a session goes before the next one") {
  const Inventory inventory = inventory_of("w[1-3]");
  SessionLauncher launcher(inventory);
  Results results;
  Runner runner(inventory, launcher, 1, results, true);
  const JobKind first{.stage = "first"};
  const JobKind second{.stage = "second"};
  for (const HostIndex host : inventory.peers) {
    runner.add({.host = host, .command = "echo first", .kind = &first});
  }
  while (results.all.empty()) {
    runner.step();
  }
  // Its place is not taken while a command for it is on its way.
  runner.hold_new_hosts(true);
  for (int turn = 0; turn < 3; ++turn) {
    runner.step();
  }
  CHECK(launcher.launches == 1);
  runner.hold_new_hosts(false);
  for (const HostIndex host : inventory.peers) {
    while (std::ranges::none_of(results.all,
                                [&](const HostResult& each) { return each.host == host; })) {
      runner.step();
    }
    runner.add({.host = host, .command = "echo second", .kind = &second});
  }
  run_all(runner);
  CHECK(launcher.launches == 3);
  CHECK(results.all.size() == 6);
}

TEST_CASE("a command that is written to while it runs takes no place of others") {
  const Inventory inventory = inventory_of("w[1-2]");
  SessionLauncher launcher(inventory);
  Results results;
  Runner runner(inventory, launcher, 1, results, true);
  const JobKind live{.stage = "live", .has_live_input = true};
  const JobKind plain{.stage = "plain"};
  for (const HostIndex host : inventory.peers) {
    runner.add({.host = host, .command = "cat", .kind = &live});
    runner.add({.host = host, .command = "echo done", .kind = &plain});
  }
  while (!runner.is_alone(live)) {
    runner.step();
  }
  CHECK(results.all.size() == 2);
  for (const HostIndex host : inventory.peers) {
    runner.write(host, live, "to the end");
    runner.end_input(host, live);
  }
  run_all(runner);
  CHECK(results.all.size() == 4);
  CHECK(results.all.back().output == "to the end");
}

}  // namespace murder::fleet
