// Many sockets of which few have something to be read: an epoll instance behind one poll of the
// ring. An idle socket has no operation in flight, and those that become readable together are
// found together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/base/callback.h"
#include "engine/base/result.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"

struct epoll_event;

namespace murder::io {

// Lives on the thread of its reactor; must be destroyed outside of its handlers. Edge-triggered: a
// socket is found once, and again when more comes, so whoever is told of one reads it to its end,
// or reads on by himself. A socket leaves with its last descriptor; what was found of it before may
// still be handed out, so tokens are handles.
class ReadableSet {
 public:
  struct Found {
    uint64_t token = 0;
    bool is_ended = false;  // the other side has closed, or the connection is broken
  };
  // How long others may be waited for, once there is one.
  using GatherTime = Callback<Duration()>;
  using Target = Callback<void(const Found&)>;

  [[nodiscard]] static Result<std::unique_ptr<ReadableSet>> create(Reactor& reactor,
                                                                   GatherTime gather_time,
                                                                   Target target);
  ReadableSet(const ReadableSet&) = delete;
  ReadableSet& operator=(const ReadableSet&) = delete;
  ~ReadableSet();

  [[nodiscard]] Status add(int fd, uint64_t token);

 private:
  ReadableSet(Reactor& reactor, int fd, GatherTime gather_time, Target target);
  void some_readable(Operation& operation, int32_t result, uint32_t cqe_flags);
  void gathered(Timer& timer);
  void hand_out();

  Reactor& reactor_;
  int fd_;
  GatherTime gather_time_;
  Target target_;
  Operation poll_;
  Timer gather_timer_;
};

}  // namespace murder::io
