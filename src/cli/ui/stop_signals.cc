#include "cli/ui/stop_signals.h"

#include <array>
#include <csignal>

namespace murder::cli {
namespace {

// A handler can only reach what is global; the flag is lock-free, so it may set it.
archive::CancelFlag stop_flag;
constexpr std::array<int, 3> stop_numbers = {SIGINT, SIGTERM, SIGHUP};

void note_stop(int number) {
  stop_flag.set();
  // The second one ends the process at once. Not a SIGHUP: a terminal that goes away sends several.
  if (number != SIGHUP) {
    std::signal(number, SIG_DFL);
  }
}

}  // namespace

StopSignals::StopSignals() {
  for (const int number : stop_numbers) {
    // What the caller has ignored (nohup) stays ignored.
    if (std::signal(number, note_stop) == SIG_IGN) {
      std::signal(number, SIG_IGN);
    }
  }
}

StopSignals::~StopSignals() {
  for (const int number : stop_numbers) {
    if (std::signal(number, SIG_DFL) == SIG_IGN) {
      std::signal(number, SIG_IGN);
    }
  }
}

const archive::CancelFlag& StopSignals::flag() const {
  return stop_flag;
}

}  // namespace murder::cli
