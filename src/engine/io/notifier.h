// A way into a reactor from other threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/io/reactor.h"

namespace murder::io {

// Lives on the thread of `reactor`; notify() may come from any thread as long as this lives, which
// the owner sees to (join the thread first). Many notify() before the handler runs are one call.
class Notifier {
 public:
  using Handler = void (*)(void* owner, Notifier& notifier);
  struct Target {
    void* owner = nullptr;
    Handler handler = nullptr;
  };

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
  friend class Reactor;

  Reactor& reactor_;
  Target target_;
  std::atomic<bool> pending_{false};
  Notifier* next_ = nullptr;
  Notifier* previous_ = nullptr;
};

// Notifier wake_{reactor, bind_notifier<&Shard::wake>(this)}; calls void Shard::wake(Notifier&).
template <auto Method, typename Owner>
[[nodiscard]] Notifier::Target bind_notifier(Owner* owner) {
  return {owner,
          [](void* self, Notifier& notifier) { (static_cast<Owner*>(self)->*Method)(notifier); }};
}

}  // namespace murder::io
