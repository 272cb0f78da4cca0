#include "engine/io/signal_source.h"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace murder::io {

Result<std::unique_ptr<SignalSource>> SignalSource::create(Reactor& reactor,
                                                           std::initializer_list<int> signals,
                                                           Target target) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal_number : signals) {
    // A blocked signal arrives although it is ignored: what the caller has ignored (nohup) stays
    // so.
    struct sigaction action {};
    if (sigaction(signal_number, nullptr, &action) != 0 || action.sa_handler != SIG_IGN) {
      sigaddset(&set, signal_number);
    }
  }
  const int blocked = pthread_sigmask(SIG_BLOCK, &set, nullptr);
  if (blocked != 0) {
    return fail_errno(blocked, "cannot block signals");
  }
  const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) {
    return fail_errno(errno, "cannot make a signalfd");
  }
  return std::unique_ptr<SignalSource>(new SignalSource(reactor, fd, target));
}

SignalSource::SignalSource(Reactor& reactor, int fd, Target target)
    : reactor_(reactor), target_(target), poll_(callback<&SignalSource::readable>(this)), fd_(fd) {
  reactor_.poll(poll_, fd_, POLLIN);
}

SignalSource::~SignalSource() {
  const int fd = fd_;
  fd_ = -1;
  reactor_.cancel_and_wait(poll_);
  close(fd);
}

void SignalSource::readable(Operation&, int32_t result, uint32_t) {
  if (fd_ < 0 || result < 0) {
    return;
  }
  signalfd_siginfo info{};
  while (read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    target_(static_cast<int>(info.ssi_signo));
  }
  reactor_.poll(poll_, fd_, POLLIN);
}

}  // namespace murder::io
