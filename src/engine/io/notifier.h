// A way into a reactor from other threads.
#pragma once

#include "engine/io/notifier_list.h"
#include "engine/io/reactor.h"

namespace murder::io {

// Lives on the thread of `reactor`; notify() may come from any thread as long as this lives, which
// the owner sees to (join the thread first). Many notify() before the handler runs are one call.
class Notifier {
 public:
  using Target = Callback<void(Notifier&)>;

  Notifier(Reactor& reactor, Target target);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;
  ~Notifier();

  // From any thread: the handler runs soon on the reactor's thread.
  void notify();
  // The same from the thread of another reactor (or of the same), through that reactor's ring,
  // without a system call.
  void notify_from(Reactor& producer);

 private:
  void call() { target_(*this); }

  Reactor& reactor_;
  Target target_;
  NotifierLink link_{callback<&Notifier::call>(this)};
};

}  // namespace murder::io
