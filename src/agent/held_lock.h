// While the agent of a deploy is at work it holds the deploy's lock on its host
// (host/deploy_locks.h), unless the coordinator there does: whoever begins another deploy of the
// same directory or tag is told, whichever host that begins on. Not before a coordinator was heard,
// and not once it is silent. Owned by the agent's thread; blocks for a small file.
#pragma once

#include <string>

#include "engine/host/deploy_locks.h"
#include "engine/host/run_directory.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"

namespace murder::agent {

class HeldLock {
 public:
  HeldLock(io::Reactor& reactor, std::string run_directory, host::DeployLock lock);
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

  void note_heard(Instant now);
  // Nothing of it is left.
  void give_back();

 private:
  void renew(io::Timer& timer);

  io::Reactor& reactor_;
  const std::string run_directory_;
  host::DeployLock lock_;
  io::Timer timer_;
  Instant heard_at_ = Instant::min();
};

}  // namespace murder::agent
