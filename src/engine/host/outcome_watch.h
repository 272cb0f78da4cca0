// Waits until something is renamed, made or removed in a run directory: outcomes of peers appear by
// a rename.
#pragma once

#include "engine/base/instant.h"
#include "engine/host/run_directory.h"
#include "engine/io/sockets.h"

namespace murder::host {

class OutcomeWatch {
 public:
  explicit OutcomeWatch(const RunDirectory& directory);

  // Returns at a change, also one since the watch was made or since the last wait, and after
  // `wait_max`. Where the kernel gives no notice (no inotify instance is free), after `fallback`.
  void wait(Duration wait_max, Duration fallback);

 private:
  io::Fd fd_;
};

}  // namespace murder::host
