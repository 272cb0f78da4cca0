// What waits to happen to one host, in one order: by time, and among equals in the order they were
// put in. Grows to what ever waited at once and allocates no more.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/sim/event.h"

namespace murder::sim {

class Agenda {
 public:
  void push(Event event) {
    event.sequence = sequence_++;
    heap_.push_back(event);
    std::push_heap(heap_.begin(), heap_.end(), is_later);
  }
  [[nodiscard]] Instant next_at() const {
    return heap_.empty() ? instant_never : heap_.front().when;
  }
  // There must be one.
  Event pop() {
    ENSURE(!heap_.empty());
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    const Event event = heap_.back();
    heap_.pop_back();
    return event;
  }
  // In no order.
  [[nodiscard]] std::span<const Event> events() const { return heap_; }

 private:
  static bool is_later(const Event& left, const Event& right) {
    return left.when != right.when ? left.when > right.when : left.sequence > right.sequence;
  }

  std::vector<Event> heap_;
  uint32_t sequence_ = 0;
};

}  // namespace murder::sim
