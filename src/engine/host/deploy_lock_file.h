// The locks of deploys on this host (deploy_locks.h) as a file of the run directory, held by one
// command at a time.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/host/deploy_locks.h"
#include "engine/host/run_directory.h"
#include "engine/io/sockets.h"

namespace murder::host {

// Counts also while the host sleeps, and no change of its time moves it.
[[nodiscard]] BootClock boot_clock();

// Waits for other commands; they wait for the end of this one. A file that cannot be read holds no
// locks.
class DeployLockFile {
 public:
  explicit DeployLockFile(const RunDirectory& directory);
  DeployLockFile(const DeployLockFile&) = delete;
  DeployLockFile& operator=(const DeployLockFile&) = delete;

  [[nodiscard]] DeployLocks& locks() { return locks_; }
  // Not synced: no lock outlives a reboot.
  [[nodiscard]] Status save();

 private:
  const RunDirectory& directory_;
  io::Fd lock_;
  DeployLocks locks_;
};

}  // namespace murder::host
