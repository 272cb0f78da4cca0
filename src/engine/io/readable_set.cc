#include "engine/io/readable_set.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "engine/base/ensure.h"

namespace murder::io {
namespace {

// A turn hands out so many at most; the rest is found by the next.
constexpr size_t found_per_turn = 256;

}  // namespace

Result<std::unique_ptr<ReadableSet>> ReadableSet::create(Reactor& reactor, GatherTime gather_time,
                                                         Target target) {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) {
    return fail_errno(errno, "cannot make an epoll instance");
  }
  return std::unique_ptr<ReadableSet>(new ReadableSet(reactor, fd, gather_time, target));
}

ReadableSet::ReadableSet(Reactor& reactor, int fd, GatherTime gather_time, Target target)
    : reactor_(reactor),
      fd_(fd),
      gather_time_(gather_time),
      target_(target),
      poll_(callback<&ReadableSet::some_readable>(this)),
      gather_timer_(reactor.timers(), callback<&ReadableSet::gathered>(this)) {
  ENSURE(gather_time && target);
  reactor_.poll(poll_, fd_, POLLIN);
}

ReadableSet::~ReadableSet() {
  const int fd = std::exchange(fd_, -1);
  gather_timer_.cancel();
  reactor_.cancel_and_wait(poll_);
  close(fd);
}

Status ReadableSet::add(int fd, uint64_t token) {
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.u64 = token}};
  if (epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail_errno(errno, "cannot watch a connection");
  }
  return {};
}

void ReadableSet::some_readable(Operation&, int32_t, uint32_t) {
  if (fd_ < 0) {
    return;
  }
  const Duration wait = gather_time_();
  if (wait > Duration::zero()) {
    gather_timer_.arm(reactor_.now() + wait);
  } else {
    hand_out();
  }
}

void ReadableSet::gathered(Timer&) {
  hand_out();
}

void ReadableSet::hand_out() {
  ENSURE(fd_ >= 0 && !poll_.in_flight());
  std::array<epoll_event, found_per_turn> events;
  const int count = epoll_wait(fd_, events.data(), static_cast<int>(events.size()), 0);
  reactor_.poll(poll_, fd_, POLLIN);
  for (int index = 0; index < count; ++index) {
    const epoll_event& event = events[static_cast<size_t>(index)];
    target_({.token = event.data.u64,
             .is_ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0});
  }
}

}  // namespace murder::io
