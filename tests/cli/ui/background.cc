#include "cli/ui/background.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "../../temporary_directory.h"

namespace murder::cli {
namespace {

constexpr int wait_ms_max = 30'000;

// A place for a run directory and for files that tell what a worker did.
struct Stage {
  Stage() {
    context.run_directory = directory.path() + "/run";
    context.quiet = true;
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    return directory.path() + "/" + name;
  }

  Result<int> run(const WorkFunction& work) {
    return run_work(context, {.mode = RunMode::worker, .log_name = "test"}, work);
  }

  TemporaryDirectory directory;
  CommandContext context;
};

void write_file(const std::string& path, const std::string& text) {
  const std::string hidden = path + ".new";
  std::ofstream(hidden) << text;
  (void)rename(hidden.c_str(), path.c_str());
}

bool appears(const std::string& path) {
  for (int waited_ms = 0; waited_ms < wait_ms_max; waited_ms += 10) {
    if (access(path.c_str(), F_OK) == 0) {
      return true;
    }
    usleep(10'000);
  }
  return false;
}

bool becomes_readable(int fd) {
  pollfd source{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&source, 1, wait_ms_max) == 1;
}

}  // namespace

TEST_CASE("the worker's exit code is the command's") {
  Stage stage;
  const Result<int> outcome = stage.run([](host::Parent&) -> Result<int> { return 7; });
  REQUIRE(outcome);
  CHECK(*outcome == 7);
}

TEST_CASE("the worker's error is the command's, with its code") {
  Stage stage;
  const Result<int> outcome = stage.run(
      [](host::Parent&) -> Result<int> { return fail(ErrorCode::conflict, "port taken"); });
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == ErrorCode::conflict);
  CHECK(outcome.error().text == "port taken");
}

TEST_CASE("a worker killed by a signal is a failure that says so") {
  Stage stage;
  const Result<int> outcome = stage.run([](host::Parent&) -> Result<int> {
    raise(SIGKILL);
    return 0;
  });
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().text.find("killed by signal 9") != std::string::npos);
}

TEST_CASE("what a dying worker wrote to standard error is in the failure") {
  Stage stage;
  const Result<int> outcome = stage.run([](host::Parent&) -> Result<int> {
    (void)!write(STDERR_FILENO, "it broke here\n", 14);
    _exit(3);
  });
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().text.find("it broke here") != std::string::npos);
}

TEST_CASE("a signal to the command stops the worker and is reported as interrupted") {
  Stage stage;
  const Result<int> outcome = stage.run([](host::Parent&) -> Result<int> {
    kill(getppid(), SIGTERM);
    while (true) {
      pause();
    }
  });
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == ErrorCode::interrupted);
}

TEST_CASE("a second SIGHUP does not kill a worker that cleans up") {
  Stage stage;
  const std::string cleaned = stage.file("cleaned");
  const Result<int> outcome = stage.run([&cleaned](host::Parent&) -> Result<int> {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    kill(getppid(), SIGHUP);
    int number = 0;
    sigwait(&signals, &number);
    kill(getppid(), SIGHUP);
    usleep(200'000);
    write_file(cleaned, "x");
    return fail(ErrorCode::interrupted, "interrupted, and cleaned up");
  });
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().text == "interrupted, and cleaned up");
  CHECK(access(cleaned.c_str(), F_OK) == 0);
}

TEST_CASE("the worker continues after it has finished, with its own text in the log") {
  Stage stage;
  const std::string done = stage.file("done");
  const Result<int> outcome = stage.run([&done](host::Parent& parent) -> Result<int> {
    const pid_t command = getppid();
    parent.finish({});
    while (getppid() == command && kill(command, 0) != 0) {
    }
    parent.note("alone now");
    write_file(done, "x");
    return 5;
  });
  REQUIRE(outcome);
  CHECK(*outcome == 0);
  CHECK(appears(done));
  std::ifstream log(stage.context.run_directory + "/test.log");
  std::string line;
  std::getline(log, line);
  CHECK(line.find("alone now") != std::string::npos);
}

TEST_CASE("the worker sees when the command that started it is killed") {
  Stage stage;
  const std::string seen = stage.file("seen");
  const pid_t command = fork();
  if (command == 0) {
    (void)stage.run([&seen](host::Parent& parent) -> Result<int> {
      kill(getppid(), SIGKILL);
      if (becomes_readable(parent.hangup_fd())) {
        write_file(seen, "x");
      }
      return 0;
    });
    _exit(0);
  }
  int state = 0;
  REQUIRE(waitpid(command, &state, 0) == command);
  CHECK(WIFSIGNALED(state));
  CHECK(appears(seen));
}

TEST_CASE("the worker keeps no descriptor of the caller") {
  Stage stage;
  const std::string go = stage.file("go");
  int held[2];
  REQUIRE(pipe(held) == 0);  // inherited by what is started, as those of a shell are
  const Result<int> outcome = stage.run([&go](host::Parent& parent) -> Result<int> {
    parent.finish({});
    (void)appears(go);
    return 0;
  });
  REQUIRE(outcome);
  close(held[1]);
  pollfd source{.fd = held[0], .events = POLLIN, .revents = 0};
  CHECK(poll(&source, 1, 5'000) == 1);
  CHECK((source.revents & POLLHUP) != 0);
  close(held[0]);
  write_file(go, "x");
}

TEST_CASE("a run directory that cannot be made is an error before any worker starts") {
  Stage stage;
  write_file(stage.file("file"), "x");
  stage.context.run_directory = stage.file("file") + "/run";
  bool is_run = false;
  const Result<int> outcome = stage.run([&is_run](host::Parent&) -> Result<int> {
    is_run = true;
    return 0;
  });
  CHECK_FALSE(outcome);
  CHECK_FALSE(is_run);
}

}  // namespace murder::cli
