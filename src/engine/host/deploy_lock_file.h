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

// Takes or renews a lock, and keeps it in the file.
[[nodiscard]] Result<LockReply> keep_lock(const RunDirectory& directory,
                                          const LockRequest& request);
[[nodiscard]] Result<Unlocked> give_lock_back(const RunDirectory& directory,
                                              const std::string& token);

// Of a deploy's agent on this host (hold_for_agent). False: it is not there, or cannot be written.
bool hold_lock_for_agent(const RunDirectory& directory, const DeployLock& lock);
void give_agent_lock_back(const RunDirectory& directory, const std::string& token);

// Whether a deploy of that tag has its lock here.
[[nodiscard]] bool is_deploy_at_work(const RunDirectory& directory, const std::string& tag);

// Another deploy that has taken over since: what is current is its matter, and if it is of the same
// tag, so is all that is there.
struct NewerDeploy {
  std::string text;  // empty: there is none
  bool is_of_tag = false;
};
// By the locks, and by the outcome of a peer of the tag. `own`: token, app and tag.
[[nodiscard]] NewerDeploy newer_deploy_than(const RunDirectory& directory, const DeployLock& own);

}  // namespace murder::host
