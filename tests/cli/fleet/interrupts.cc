#include "cli/fleet/interrupts.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace murder::fleet {
namespace {

// In a process of its own: the flags are global.
template <typename Check>
bool holds_in_a_child(Check check) {
  const pid_t child = fork();
  if (child == 0) {
    const Interrupts interrupts;
    _exit(check(interrupts) ? 0 : 1);
  }
  int state = 0;
  return waitpid(child, &state, 0) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

}  // namespace

TEST_CASE("a terminal that goes away asks the work to end, and never cuts cleaning up short") {
  CHECK(holds_in_a_child([](const Interrupts& interrupts) {
    for (int turn = 0; turn < 3; ++turn) {
      raise(SIGHUP);
    }
    return interrupts.work().is_set() && !interrupts.cleaning_up().is_set();
  }));
  CHECK(holds_in_a_child([](const Interrupts& interrupts) {
    raise(SIGTERM);  // what systemd sends at the end of a session, and SIGHUP after it
    raise(SIGHUP);
    return interrupts.work().is_set() && !interrupts.cleaning_up().is_set();
  }));
}

TEST_CASE("a second ^C cuts cleaning up short") {
  CHECK(holds_in_a_child([](const Interrupts& interrupts) {
    raise(SIGINT);
    raise(SIGINT);
    return interrupts.cleaning_up().is_set();
  }));
}

}  // namespace murder::fleet
