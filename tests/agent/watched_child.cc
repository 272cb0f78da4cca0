#include "agent/watched_child.h"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <vector>

#include "agent/bounds.h"

using namespace murder;
using namespace murder::agent;
using namespace std::chrono_literals;

namespace {

class ChildBench {
 public:
  ChildBench() { reactor->run_turn(Duration::zero()); }

  Status run(const std::string& command, Duration time_max = {}, Words environment = {}) {
    REQUIRE(child
                .start({.arguments = {"/bin/sh", "-c", command},
                        .environment = std::move(environment),
                        .time_max = time_max})
                .has_value());
    return wait();
  }
  Status wait() {
    reactor->run_until([this] { return !child.is_busy(); });
    return child.outcome();
  }

  std::unique_ptr<io::Reactor> reactor = io::Reactor::create({.ring_entries = 64}).value();
  std::vector<std::string> lines;
  int ended_count = 0;
  WatchedChild child{*reactor, callback<&ChildBench::ended>(this),
                     callback<&ChildBench::line>(this)};

 private:
  void ended(WatchedChild&) { ++ended_count; }
  void line(std::string_view text) { lines.emplace_back(text); }
};

}  // namespace

TEST_CASE("one child after the other; each tells its lines and its end once") {
  ChildBench bench;
  CHECK(bench.run("echo one; echo two; printf three; echo noise >&2").has_value());
  CHECK(bench.lines == std::vector<std::string>{"one", "two", "three"});
  CHECK(bench.child.last_line() == "three");
  CHECK(bench.run("echo $MURDER_TAG", {}, {"MURDER_TAG=v1"}).has_value());
  CHECK(bench.child.last_line() == "v1");
  CHECK(bench.ended_count == 2);
}

TEST_CASE("what a service manager gave to this process is not its children's") {
  ChildBench bench;
  setenv("NOTIFY_SOCKET", "/run/manager", 1);
  setenv("WATCHDOG_USEC", "1000", 1);
  CHECK(bench.run("echo \"$NOTIFY_SOCKET$WATCHDOG_USEC.\"").has_value());
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  CHECK(bench.child.last_line() == ".");
}

TEST_CASE("a failure says how it ended and the last thing it said") {
  ChildBench bench;
  CHECK(bench.run("echo first >&2; echo '  the cause ' >&2; echo >&2; exit 7").error().text ==
        "exit status 7:   the cause");
  CHECK(bench.run("exit 3").error().text == "exit status 3");
  CHECK(bench.run("kill -9 $$").error().text == "ended by signal 9");
  CHECK(bench.run("echo said on standard output; exit 1").error().text ==
        "exit status 1: said on standard output");
}

TEST_CASE("one that takes too long is ended with all that it started") {
  ChildBench bench;
  const Status outcome =
      bench.run("trap '' TERM; echo stuck >&2; sleep 1000 & wait; sleep 1000", 1s);
  REQUIRE_FALSE(outcome.has_value());
  CHECK(outcome.error().code == ErrorCode::timeout);
  CHECK(outcome.error().text.find("timed out after 1") == 0);
  CHECK(outcome.error().text.find("stuck") != std::string::npos);
}

TEST_CASE("what it leaves in the background does not hold it up, and is left alone") {
  ChildBench bench;
  CHECK(bench.run("sleep 1000 & echo $!").has_value());
  const int pid = std::stoi(bench.child.last_line());
  CHECK(kill(pid, 0) == 0);
  kill(pid, SIGKILL);
}

TEST_CASE("however much it writes, little is kept") {
  ChildBench bench;
  CHECK(bench.run("head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero >&2")
            .has_value());
  REQUIRE(bench.lines.size() == 1);
  CHECK(bench.lines[0].size() == limits::agent_line_bytes_max);
}

TEST_CASE("it is ended when it is asked to") {
  ChildBench bench;
  REQUIRE(bench.child.start({.arguments = {"/bin/sh", "-c", "sleep 1000"}}).has_value());
  bench.child.end_soon();
  CHECK_FALSE(bench.wait().has_value());
  REQUIRE(bench.child.start({.arguments = {"/bin/sh", "-c", "trap '' TERM; while :; do :; done"}})
              .has_value());
  bench.child.kill_now();
  CHECK_FALSE(bench.wait().has_value());
  CHECK_FALSE(bench.child.start({.arguments = {"/no/such/program"}}).has_value());
  CHECK(bench.ended_count == 2);
}

TEST_CASE("the telling line is the last that says something, without the program's name") {
  CHECK(telling_line("") == "");
  CHECK(telling_line("\n\n") == "");
  CHECK(telling_line("a\nb\n \n") == "b");
  CHECK(telling_line("murder peer: no room on the disk\n") == "no room on the disk");
  CHECK(telling_line("murder is what it is: a program") == "murder is what it is: a program");
}
