#include "cli/fleet/reach/runner.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "../support.h"

namespace murder::fleet {
namespace {

// Waits until the process is gone or a zombie of somebody else; the test's own limit ends a hang.
bool is_gone(const std::string& pid_text) {
  const auto pid = static_cast<pid_t>(std::stol(pid_text));
  while (kill(pid, 0) == 0) {
    const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
    if (stat.find(") Z ") != std::string::npos) {
      return true;
    }
    usleep(1000);
  }
  return errno == ESRCH;
}

// Remembers what it was told.
class Notes : public RunObserver {
 public:
  void started(HostIndex, uint32_t) override { ++starts; }
  void retrying(const HostResult&, Duration wait) override { waits.push_back(wait); }
  void finished(HostResult& result) override {
    ++ends;
    if (cancel_at_end != nullptr) {
      cancel_at_end->set();
    }
    last = result.host;
  }

  int starts = 0;
  int ends = 0;
  HostIndex last;
  std::vector<Duration> waits;
  archive::CancelFlag* cancel_at_end = nullptr;
};

}  // namespace

TEST_CASE("each host has its result, in the order of the jobs") {
  const Inventory inventory = inventory_of("w[1-5]");
  ExecLauncher launcher = local_launcher(inventory);
  std::vector<Job> jobs = jobs_for(inventory, "echo out $HOST_NAME; echo log $HOST_NAME >&2");
  jobs[2].command = "echo 'no room' >&2; exit 3";
  Notes notes;
  const auto results = run_jobs(inventory, jobs, launcher, {.stage = "test"}, &notes);
  REQUIRE(results.size() == 5);
  for (size_t index = 0; index < results.size(); ++index) {
    CAPTURE(index);
    CHECK(results[index].host == jobs[index].host);
    CHECK(results[index].stage == "test");
    CHECK(results[index].attempts == 1);
    CHECK(results[index].is_ok() == (index != 2));
  }
  CHECK(results[4].output == "out w5\n");
  CHECK(results[4].log_tail == "log w5\n");
  CHECK(results[2].outcome == Outcome::failed);
  CHECK(results[2].exit_code == 3);
  CHECK(results[2].reason == "no room");
  CHECK(notes.starts == 5);
  CHECK(notes.ends == 5);
}

TEST_CASE("no jobs, no results") {
  const Inventory inventory = inventory_of("w1");
  ExecLauncher launcher = local_launcher(inventory);
  CHECK(run_jobs(inventory, {}, launcher, {}).empty());
}

TEST_CASE("not more hosts than forks are reached at the same time, and as many as that") {
  const TemporaryDirectory temporary;
  const Inventory inventory = inventory_of("w[1-12]");
  ExecLauncher launcher = local_launcher(inventory);
  // Each waits until it has seen three at once, or all others are through.
  const std::string command = fmt::format(
      "cd {}; : >on.$HOST_NAME; while [ ! -e three ] && ! ls done.* >/dev/null 2>&1; do "
      "set -- on.*; [ $# -ge 3 ] && : >three; done; set -- on.*; echo $#; "
      "rm on.$HOST_NAME; : >done.$HOST_NAME",
      temporary.path());
  const auto results = run_jobs(inventory, jobs_for(inventory, command), launcher, {.forks = 3});
  CHECK(std::filesystem::exists(temporary.path() + "/three"));
  for (const HostResult& result : results) {
    CHECK(result.is_ok());
    CHECK(std::stoi(result.output) <= 3);
  }
}

TEST_CASE("every host reads all of the input from its beginning") {
  const Inventory inventory = inventory_of("w[1-4]");
  ExecLauncher launcher = local_launcher(inventory);
  const std::string input(3'000'000, 'i');
  const auto results =
      run_jobs(inventory, jobs_for(inventory, "head -c 5; wc -c"), launcher, {.input = input});
  for (const HostResult& result : results) {
    // head may take more than it shows; what matters is that no other host took from here.
    CHECK(result.is_ok());
    CHECK(result.output.starts_with("iiiii"));
  }
  const auto counts = run_jobs(inventory, jobs_for(inventory, "wc -c"), launcher, {.input = input});
  for (const HostResult& result : counts) {
    CHECK(std::stoi(result.output) == 3'000'000);
  }
}

TEST_CASE("without input a command reads nothing and does not wait") {
  const Inventory inventory = inventory_of("w1");
  ExecLauncher launcher = local_launcher(inventory);
  const auto results = run_jobs(inventory, jobs_for(inventory, "cat; echo end"), launcher, {});
  CHECK(results[0].output == "end\n");
}

TEST_CASE("of long output the end is kept, and only so much of it") {
  const Inventory inventory = inventory_of("w[1-2]");
  ExecLauncher launcher = local_launcher(inventory);
  const std::string command =
      "head -c 30000000 /dev/zero | tr '\\0' o; echo end; "
      "head -c 30000000 /dev/zero | tr '\\0' l >&2; echo 'last words' >&2; exit 1";
  const auto results = run_jobs(inventory, jobs_for(inventory, command), launcher,
                                {.output_bytes_max = 1000, .log_bytes_max = 500});
  for (const HostResult& result : results) {
    CHECK(result.output.size() == 1000);
    CHECK(
        result.output.ends_with("ooo"
                                "end\n"));
    CHECK(result.output_is_cut);
    CHECK(result.log_tail.size() == 500);
    CHECK(
        result.log_tail.ends_with("lll"
                                  "last words\n"));
  }
}

TEST_CASE("a host that was not reached is tried again, with growing waits") {
  const TemporaryDirectory temporary;
  const Inventory inventory = inventory_of("w1");
  ExecLauncher launcher = local_launcher(inventory);
  const std::string command = fmt::format(
      "echo x >>{0}/tries; [ $(wc -l <{0}/tries) -ge 3 ] || {{ echo 'Connection refused' >&2; "
      "exit 255; }}; echo there",
      temporary.path());
  Notes notes;
  const auto results =
      run_jobs(inventory, jobs_for(inventory, command), launcher, {.retries = 2}, &notes);
  CHECK(results[0].is_ok());
  CHECK(results[0].attempts == 3);
  CHECK(results[0].output == "there\n");
  CHECK(results[0].log_tail.empty());  // of the last attempt
  CHECK(notes.starts == 3);
  CHECK(notes.ends == 1);
  REQUIRE(notes.waits.size() == 2);
  CHECK(notes.waits[1] >= limits::retry_wait_first);
}

TEST_CASE("attempts are bounded, and failures of the command are not repeated") {
  const Inventory inventory = inventory_of("w[1-3]");
  ExecLauncher launcher = local_launcher(inventory);
  std::vector<Job> jobs = jobs_for(inventory, "echo 'Connection refused' >&2; exit 255");
  jobs[1].command = "exit 1";
  jobs[2].command = "echo 'w3: Permission denied (publickey).' >&2; exit 255";
  const auto results = run_jobs(inventory, jobs, launcher, {.retries = 1});
  CHECK(results[0].outcome == Outcome::unreachable);
  CHECK(results[0].attempts == 2);
  CHECK(results[0].reason == "Connection refused");
  CHECK(results[1].outcome == Outcome::failed);
  CHECK(results[1].attempts == 1);
  CHECK(results[2].outcome == Outcome::unreachable);
  CHECK(results[2].attempts == 1);
}

TEST_CASE("a command that takes too long is ended, with all that it started") {
  const TemporaryDirectory temporary;
  const Inventory inventory = inventory_of("w[1-2]");
  ExecLauncher launcher = local_launcher(inventory);
  // The second is deaf to SIGTERM, and so is its child.
  std::vector<Job> jobs = jobs_for(inventory, "");
  jobs[0].command =
      fmt::format("cd {}; echo waiting; sleep 600 & echo $! >1.pid; wait", temporary.path());
  jobs[1].command = fmt::format(
      "cd {}; trap '' TERM; echo $$ >2.pid; sleep 600 & echo $! >3.pid; "
      "while :; do wait; done",
      temporary.path());
  const auto results = run_jobs(inventory, jobs, launcher,
                                {.retries = 3, .command_timeout = std::chrono::milliseconds(500)});
  for (const HostResult& result : results) {
    CHECK(result.outcome == Outcome::timed_out);
    CHECK(result.attempts == 1);
  }
  CHECK(results[0].output == "waiting\n");
  for (const char* name : {"1.pid", "2.pid", "3.pid"}) {
    CHECK(is_gone(read_file(temporary.path() + "/" + name)));
  }
}

TEST_CASE("what goes on in the background behind a command is not waited for") {
  const Inventory inventory = inventory_of("w1");
  ExecLauncher launcher = local_launcher(inventory);
  // It keeps both streams open, as ssh's shared connection may.
  const auto results = run_jobs(inventory, jobs_for(inventory, "sleep 600 & echo $!"), launcher,
                                {.command_timeout = std::chrono::seconds(300)});
  REQUIRE(results[0].is_ok());
  CHECK(results[0].elapsed < std::chrono::seconds(290));
  const auto pid = static_cast<pid_t>(std::stol(results[0].output));
  CHECK(kill(pid, SIGKILL) == 0);
}

TEST_CASE("a stop ends what runs and starts nothing more") {
  const TemporaryDirectory temporary;
  const Inventory inventory = inventory_of("w[1-5]");
  ExecLauncher launcher = local_launcher(inventory);
  std::vector<Job> jobs =
      jobs_for(inventory, fmt::format("echo $$ >{}/pid; sleep 600", temporary.path()));
  // The first ends when the second is there; its end is the moment of the stop.
  jobs[0].command = fmt::format("while [ ! -s {}/pid ]; do sleep 0.01; done", temporary.path());
  archive::CancelFlag cancel;
  Notes notes;
  notes.cancel_at_end = &cancel;
  const auto results = run_jobs(inventory, jobs, launcher, {.forks = 2, .cancel = &cancel}, &notes);
  CHECK(results[0].is_ok());
  CHECK(results[1].outcome == Outcome::interrupted);
  CHECK(results[4].outcome == Outcome::not_started);
  CHECK(results[4].attempts == 0);
  CHECK_FALSE(results[4].reason.empty());
  CHECK(notes.ends == 5);
  CHECK(is_gone(read_file(temporary.path() + "/pid")));
}

TEST_CASE("a stop ends waiting for another attempt, and tells what the last one came to") {
  const Inventory inventory = inventory_of("w[1-2]");
  ExecLauncher launcher = local_launcher(inventory);
  std::vector<Job> jobs = jobs_for(inventory, "echo 'Connection refused' >&2; exit 255");
  jobs[1].command = "sleep 0.3";
  archive::CancelFlag cancel;
  Notes notes;
  notes.cancel_at_end = &cancel;
  const auto results =
      run_jobs(inventory, jobs, launcher, {.retries = 20, .cancel = &cancel}, &notes);
  CHECK(results[0].outcome == Outcome::unreachable);
  CHECK(results[0].reason == "Connection refused");
  CHECK(notes.ends == 2);
}

TEST_CASE("a launcher that is not there is told for every host") {
  class Missing : public Launcher {
   public:
    [[nodiscard]] std::string_view name() const override { return "missing"; }
    [[nodiscard]] uint32_t hosts_at_once() const override { return 1; }
    [[nodiscard]] bool go_together(const Host&, const Host&) const override { return false; }
    [[nodiscard]] Result<Launch> launch(const LaunchRequest&) override {
      return Launch{.arguments = {"murder-no-such-program"}};
    }
  };
  const Inventory inventory = inventory_of("w[1-3]");
  Missing launcher;
  for (const HostResult& result : run_jobs(inventory, jobs_for(inventory, "x"), launcher, {})) {
    CHECK(result.outcome == Outcome::not_started);
    CHECK(result.reason.find("murder-no-such-program") != std::string::npos);
  }
}

TEST_CASE("a command line that is too long is refused before anything is started") {
  const Inventory inventory = inventory_of("w1");
  ExecLauncher launcher = local_launcher(inventory);
  const std::string command = ": " + std::string(limits::command_bytes_max, 'x');
  const auto results = run_jobs(inventory, jobs_for(inventory, command), launcher, {});
  CHECK(results[0].outcome == Outcome::not_started);
}

TEST_CASE("commands see the usual signals, though murder ignores SIGPIPE") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const Inventory inventory = inventory_of("w1");
  ExecLauncher launcher = local_launcher(inventory);
  const auto results = run_jobs(inventory, jobs_for(inventory, "kill -PIPE $$; echo survived"),
                                launcher, {.retries = 0});
  std::signal(SIGPIPE, before);
  CHECK(results[0].output.empty());
  CHECK(results[0].reason.find("signal 13") != std::string::npos);
}

TEST_CASE("few open files mean fewer at the same time, not failures") {
  // In a process of its own: a hard limit cannot be raised again by everybody.
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{.rlim_cur = 96, .rlim_max = 96};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      _exit(2);
    }
    const Inventory inventory = inventory_of("w[1-60]");
    ExecLauncher launcher = local_launcher(inventory);
    bool is_ok = true;
    for (const HostResult& result :
         run_jobs(inventory, jobs_for(inventory, "sleep 0.05"), launcher, {.forks = 60})) {
      is_ok = is_ok && result.is_ok();
    }
    _exit(is_ok ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("no descriptor and no process is left behind") {
  const auto count = [] {
    size_t open = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      open += entry.is_symlink() ? 1 : 0;
    }
    return open;
  };
  const Inventory inventory = inventory_of("w[1-20]");
  ExecLauncher launcher = local_launcher(inventory);
  const size_t before = count();
  (void)run_jobs(inventory, jobs_for(inventory, "cat"), launcher, {.input = "x", .forks = 20});
  CHECK(count() == before);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
}

// Writes to a job when it says so, and keeps what it said.
class Talk : public RunObserver {
 public:
  void output(HostIndex host, std::string_view part) override {
    heard += part;
    if (heard.find("more?") != std::string::npos && !is_answered) {
      is_answered = true;
      runner->write(host, *kind, "world\n");
      runner->end_input(host, *kind);
    }
  }
  void finished_of(const JobKind&, HostResult& result) override { last = result; }

  Runner* runner = nullptr;
  const JobKind* kind = nullptr;
  std::string heard;
  HostResult last;
  bool is_answered = false;
};

TEST_CASE(
    "a command is written to while it runs, and again from the start when it is tried again") {
  const Inventory inventory = inventory_of("w1");
  const HostIndex host = inventory.peers.front();
  ExecLauncher launcher = local_launcher(inventory);
  const TemporaryDirectory directory;
  Talk talk;
  Runner runner(inventory, launcher, 4, talk);
  JobKind kind{.stage = "talk", .retries = 1};
  kind.has_live_input = true;
  kind.follows_output = true;
  talk.runner = &runner;
  talk.kind = &kind;
  // The first attempt reads a line and is not reached any more.
  const std::string tried = directory.path() + "/tried";
  runner.add({.host = host,
              .command = fmt::format("read a; if [ ! -e {0} ]; then : >{0}; exit 255; fi; "
                                     "echo more?; read b; cat; echo $a $b",
                                     tried),
              .kind = &kind});
  runner.write(host, kind, "hello\n");
  while (!runner.is_idle()) {
    runner.step();
  }
  CHECK(talk.last.is_ok());
  CHECK(talk.last.attempts == 2);
  CHECK(talk.last.output == "more?\nhello world\n");
}

TEST_CASE("more than a pipe takes is written as it is read, and a reader that ends is no error") {
  std::signal(SIGPIPE, SIG_IGN);  // as in main
  const Inventory inventory = inventory_of("w[1-2]");
  ExecLauncher launcher = local_launcher(inventory);
  Talk talk;
  Runner runner(inventory, launcher, 4, talk);
  JobKind all{.stage = "all"};
  JobKind some{.stage = "some"};
  all.has_live_input = some.has_live_input = true;
  runner.add({.host = inventory.peers[0], .command = "wc -c", .kind = &all});
  const std::string text(1'000'000, 'x');
  runner.write(inventory.peers[0], all, text);
  runner.end_input(inventory.peers[0], all);
  while (!runner.is_idle()) {
    runner.step();
  }
  CHECK(talk.last.output.find("1000000") != std::string::npos);
  runner.add({.host = inventory.peers[1], .command = "head -c 10 >/dev/null", .kind = &some});
  runner.write(inventory.peers[1], some, text);
  while (!runner.is_idle()) {
    runner.step();
  }
  CHECK(talk.last.is_ok());
  runner.write(inventory.peers[1], some, "for nobody");  // it has ended
}

TEST_CASE("a command that is written to takes no place of the others") {
  const Inventory inventory = inventory_of("w[1-3]");
  ExecLauncher launcher = local_launcher(inventory);
  Talk talk;
  Runner runner(inventory, launcher, 1, talk);
  JobKind written{.stage = "written"};
  JobKind others{.stage = "others"};
  written.has_live_input = true;
  runner.add({.host = inventory.peers[0], .command = "cat", .kind = &written});
  runner.add({.host = inventory.peers[1], .command = "echo one", .kind = &others});
  runner.add({.host = inventory.peers[2], .command = "echo two", .kind = &others});
  while (!runner.is_alone(written)) {
    runner.step();
  }
  CHECK(talk.last.output == "two\n");
  runner.end_input(inventory.peers[0], written);
  while (!runner.is_idle()) {
    runner.step();
  }
  CHECK(talk.last.is_ok());
}

}  // namespace murder::fleet
