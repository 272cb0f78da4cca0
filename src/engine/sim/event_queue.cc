#include "engine/sim/event_queue.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"

namespace murder::sim {

namespace {

constexpr uint32_t queue_arity = 4;

bool is_sooner(const Event& left, const Event& right) {
  return left.when != right.when ? left.when < right.when : left.sequence < right.sequence;
}

}  // namespace

void EventQueue::Ring::push(const Event& event) {
  if (size == cells.size()) {
    std::vector<Event> larger(std::max<size_t>(64, cells.size() * 2));
    for (uint32_t position = 0; position < size; ++position) {
      larger[position] = at(position);
    }
    cells = std::move(larger);
    first = 0;
  }
  cells[(first + size) & (cells.size() - 1)] = event;
  ++size;
}

void EventQueue::push(Lane lane, Event event) {
  event.sequence = sequence_++;
  ++size_;
  uint32_t where = static_cast<uint32_t>(lane);
  if (lane == Lane::none || !lanes_[where].takes(event)) {
    push_heap(event);
    where = heap;
  } else {
    lanes_[where].push(event);
  }
  // Among equals the one that was put in first comes first.
  if (event.when < next_at_) {
    next_at_ = event.when;
    next_lane_ = where;
  }
}

Event EventQueue::pop() {
  ENSURE(size_ > 0);
  --size_;
  Event event;
  if (next_lane_ == heap) {
    event = heap_.front();
    pop_heap();
  } else {
    Ring& ring = lanes_[next_lane_];
    event = ring.at(0);
    ring.first = (ring.first + 1) & static_cast<uint32_t>(ring.cells.size() - 1);
    --ring.size;
  }
  find_next();
  return event;
}

void EventQueue::find_next() {
  const Event* next = heap_.empty() ? nullptr : heap_.data();
  next_lane_ = heap;
  for (uint32_t lane = 0; lane < lane_count; ++lane) {
    if (lanes_[lane].size > 0 && (next == nullptr || is_sooner(lanes_[lane].at(0), *next))) {
      next = &lanes_[lane].at(0);
      next_lane_ = lane;
    }
  }
  next_at_ = next == nullptr ? instant_never : next->when;
}

void EventQueue::push_heap(const Event& event) {
  heap_.push_back(event);
  size_t at = heap_.size() - 1;
  while (at > 0) {
    const size_t parent = (at - 1) / queue_arity;
    if (!is_sooner(event, heap_[parent])) {
      break;
    }
    heap_[at] = heap_[parent];
    at = parent;
  }
  heap_[at] = event;
}

void EventQueue::pop_heap() {
  const Event last = heap_.back();
  heap_.pop_back();
  if (heap_.empty()) {
    return;
  }
  size_t at = 0;
  while (true) {
    const size_t first = at * queue_arity + 1;
    if (first >= heap_.size()) {
      break;
    }
    size_t best = first;
    for (size_t child = first + 1; child < std::min(first + queue_arity, heap_.size()); ++child) {
      if (is_sooner(heap_[child], heap_[best])) {
        best = child;
      }
    }
    if (!is_sooner(heap_[best], last)) {
      break;
    }
    heap_[at] = heap_[best];
    at = best;
  }
  heap_[at] = last;
}

}  // namespace murder::sim
