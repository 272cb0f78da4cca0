// Turns SIGINT, SIGTERM and SIGHUP into a flag for as long as it lives: the work in front ends
// cleanly, with nothing half-made left behind. One at a time; not for commands that run a reactor.
#pragma once

#include "engine/archive/observer.h"

namespace murder::cli {

class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  [[nodiscard]] const archive::CancelFlag& flag() const;
};

}  // namespace murder::cli
