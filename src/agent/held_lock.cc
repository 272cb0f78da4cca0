#include "agent/held_lock.h"

#include <chrono>
#include <utility>

#include "agent/bounds.h"
#include "engine/base/utc_text.h"
#include "engine/host/deploy_lock_file.h"

namespace murder::agent {

HeldLock::HeldLock(io::Reactor& reactor, std::string run_directory, host::DeployLock lock)
    : reactor_(reactor),
      run_directory_(std::move(run_directory)),
      lock_(std::move(lock)),
      timer_(reactor.timers(), callback<&HeldLock::renew>(this)) {
  lock_.since = utc_text_now();
  lock_.until_s = static_cast<uint64_t>(limits::agent_lock_lease / std::chrono::seconds(1));
  lock_.is_coordinated = true;
}

void HeldLock::note_heard(Instant now) {
  heard_at_ = now;
  if (!timer_.armed()) {
    renew(timer_);
  }
}

void HeldLock::renew(io::Timer& timer) {
  const Instant now = reactor_.now();
  if (now - heard_at_ > limits::agent_lock_silence_max) {
    return;  // until one is heard again
  }
  if (const auto directory = host::RunDirectory::open(run_directory_)) {
    host::hold_lock_for_agent(*directory, lock_);
  }
  timer.arm(now + limits::agent_lock_renewed_every);
}

void HeldLock::give_back() {
  timer_.cancel();
  if (const auto directory = host::RunDirectory::open_existing(run_directory_)) {
    host::give_agent_lock_back(*directory, lock_.token);
  }
}

}  // namespace murder::agent
