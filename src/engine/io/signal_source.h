// SIGTERM, SIGINT and the like as events of a reactor. One that is ignored when this is made
// (nohup) stays ignored.
#pragma once

#include <csignal>
#include <initializer_list>
#include <memory>

#include "engine/base/callback.h"
#include "engine/base/result.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"

namespace murder::io {

// Lives on the thread of its reactor; must be destroyed outside of its handler. Create it before
// other threads start: it blocks the signals in the calling thread, and threads inherit that.
class SignalSource {
 public:
  using Target = Callback<void(int)>;  // with the signal's number

  [[nodiscard]] static Result<std::unique_ptr<SignalSource>> create(
      Reactor& reactor, std::initializer_list<int> signals, Target target);
  SignalSource(const SignalSource&) = delete;
  SignalSource& operator=(const SignalSource&) = delete;
  ~SignalSource();

 private:
  SignalSource(Reactor& reactor, int fd, Target target);
  void readable(Operation& operation, int32_t result, uint32_t cqe_flags);

  Reactor& reactor_;
  Target target_;
  Operation poll_;
  int fd_;
};

}  // namespace murder::io
