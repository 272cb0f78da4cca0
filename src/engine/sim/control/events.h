// What waits to happen in a simulation of the control plane, in one order: by time, and among
// equals in the order it was put in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"
#include "engine/control/messages.h"

namespace murder::control_sim {

enum class EventKind : uint8_t {
  report,     // arrives at the coordinator, from `host`
  wanted,     // arrives at `host`
  heartbeat,  // of `host`'s process
  wake,       // a time of the agent's machine has come
  step,       // of `host` ends
  health,     // of `host` is looked at
  turn,       // of the coordinator
  command,    // of an operator
  process_dies,
  process_starts,
  host_dies,
  host_boots,
  cut_begins,
  cut_ends,
  coordinator_dies,
  coordinator_starts,
  flap,  // a release's health changes by itself
};

struct Event {
  Instant when{};
  uint64_t order = 0;
  EventKind kind = EventKind::turn;
  uint32_t host = 0;
  uint32_t app = 0;
  uint64_t process = 0;  // of the host, or of the coordinator; an event of another one is void
  uint64_t number = 0;   // of a step
  std::unique_ptr<control::Report> report;
  std::unique_ptr<control::Wanted> wanted;
  Instant sent_at{};
};

class Events {
 public:
  void push(Event event) {
    event.order = ++count_;
    heap_.push_back(std::move(event));
    std::push_heap(heap_.begin(), heap_.end(), is_later);
  }
  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] uint64_t count() const { return count_; }  // that were ever put in
  Event pop() {
    ENSURE(!heap_.empty());
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    Event event = std::move(heap_.back());
    heap_.pop_back();
    return event;
  }

 private:
  static bool is_later(const Event& left, const Event& right) {
    return left.when != right.when ? left.when > right.when : left.order > right.order;
  }

  std::vector<Event> heap_;
  uint64_t count_ = 0;
};

}  // namespace murder::control_sim
