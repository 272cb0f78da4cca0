#include "engine/host/outcome_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace murder::host {

OutcomeWatch::OutcomeWatch(const RunDirectory& directory)
    : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  constexpr uint32_t changes = IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR;
  if (fd_.is_open() && inotify_add_watch(fd_.get(), directory.path().c_str(), changes) < 0) {
    fd_.reset();
  }
}

void OutcomeWatch::wait(Duration wait_max, Duration fallback) {
  if (!fd_.is_open()) {
    std::this_thread::sleep_for(std::min(wait_max, fallback));
    return;
  }
  const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait_max).count();
  pollfd source{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  if (poll(&source, 1, static_cast<int>(std::clamp<int64_t>(wait_ms, 0, 60'000))) <= 0) {
    return;
  }
  // Which they are does not matter.
  alignas(inotify_event) std::array<char, 4096> events{};
  ssize_t size = 0;
  do {
    size = read(fd_.get(), events.data(), events.size());
  } while (size > 0);
}

}  // namespace murder::host
