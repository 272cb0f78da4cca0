#include "cli/control/leave_signals.h"

#include <array>
#include <atomic>
#include <csignal>

namespace murder::cli {
namespace {

// A handler can only reach what is global; these are lock-free.
std::atomic<bool> was_interrupted{false};
std::atomic<int> leave_number{0};
constexpr std::array<int, 3> followed_signals = {SIGINT, SIGTERM, SIGHUP};

void note_signal(int number) {
  if (number == SIGINT) {
    was_interrupted.store(true);
  } else {
    leave_number.store(number);
  }
}

}  // namespace

LeaveSignals::LeaveSignals() {
  was_interrupted.store(false);
  leave_number.store(0);
  for (const int number : followed_signals) {
    // What the caller has ignored (nohup) stays ignored. No SA_RESTART: waits are cut short.
    struct sigaction before {};
    struct sigaction action {};
    action.sa_handler = note_signal;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
      sigaction(number, &action, nullptr);
    }
  }
}

LeaveSignals::~LeaveSignals() {
  for (const int number : followed_signals) {
    struct sigaction before {};
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == note_signal) {
      std::signal(number, SIG_DFL);
    }
  }
}

bool LeaveSignals::take_interrupt() {
  return was_interrupted.exchange(false);
}

int LeaveSignals::leaving_signal() const {
  return leave_number.load();
}

}  // namespace murder::cli
