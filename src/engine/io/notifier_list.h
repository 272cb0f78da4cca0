// The notifiers of one reactor: which of them were notified, from any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/base/callback.h"

namespace murder::io {

// A link of the list, embedded in its notifier.
class NotifierLink {
 public:
  explicit NotifierLink(Callback<void()> call) : call_(call) {}
  NotifierLink(const NotifierLink&) = delete;
  NotifierLink& operator=(const NotifierLink&) = delete;

  // From any thread. False: it was notified already, and is called once.
  [[nodiscard]] bool mark() { return !is_pending_.exchange(true, std::memory_order_acq_rel); }

 private:
  friend class NotifierList;

  const Callback<void()> call_;
  std::atomic<bool> is_pending_{false};
  NotifierLink* next_ = nullptr;
  NotifierLink* previous_ = nullptr;
};

// All but NotifierLink::mark() on the reactor's thread.
class NotifierList {
 public:
  void add(NotifierLink& link);
  // Also from within call_pending().
  void remove(NotifierLink& link);
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] bool any_pending() const;
  // Calls those that were notified, each once; how many.
  uint32_t call_pending();

 private:
  NotifierLink* first_ = nullptr;
  NotifierLink* cursor_ = nullptr;  // what call_pending() looks at next
};

}  // namespace murder::io
