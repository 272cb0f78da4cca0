#include "cli/fleet/interrupts.h"

#include <array>
#include <csignal>
#include <memory>

namespace murder::fleet {
namespace {

// A handler can only reach what is global; the flags are lock-free, so it may set them.
archive::CancelFlag work_flag;
archive::CancelFlag cleaning_up_flag;
archive::CancelFlag hangup_flag;
constexpr std::array<int, 3> stop_numbers = {SIGINT, SIGTERM, SIGHUP};

void note_stop(int number) {
  if (number == SIGHUP) {
    hangup_flag.set();
  }
  if (!work_flag.is_set()) {
    work_flag.set();
  } else if (number != SIGHUP) {  // of which a terminal that goes away sends several
    cleaning_up_flag.set();
    std::signal(number, SIG_DFL);
  }
}

}  // namespace

Interrupts::Interrupts() {
  for (const int number : stop_numbers) {
    // What the caller has ignored (nohup) stays ignored. No SA_RESTART: waits are cut short.
    struct sigaction before {};
    struct sigaction action {};
    action.sa_handler = note_stop;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) {
      sigaction(number, &action, nullptr);
    }
  }
}

Interrupts::~Interrupts() {
  for (const int number : stop_numbers) {
    struct sigaction before {};
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == note_stop) {
      // What is left to do, such as ending the shared connections, does not end at a hangup either.
      std::signal(number, number == SIGHUP && work_flag.is_set() ? SIG_IGN : SIG_DFL);
    }
  }
}

const archive::CancelFlag& Interrupts::work() const {
  return work_flag;
}

const archive::CancelFlag& Interrupts::cleaning_up() const {
  return cleaning_up_flag;
}

bool Interrupts::is_hangup() const {
  return hangup_flag.is_set();
}

void Interrupts::forget() const {
  std::construct_at(&work_flag);
}

}  // namespace murder::fleet
