#include "engine/io/timers.h"

#include "engine/base/ensure.h"

namespace murder::io {
namespace {

struct Order {
  Instant deadline;
  uint64_t sequence;
  constexpr auto operator<=>(const Order&) const = default;
};

}  // namespace

Timer::Timer(Timers& timers, Target target) : timers_(timers), target_(target) {
  ENSURE(target);
}

void Timer::arm(Instant deadline) {
  cancel();
  if (deadline == instant_never) {
    return;
  }
  deadline_ = deadline;
  timers_.insert(*this);
}

void Timer::cancel() {
  if (armed()) {
    timers_.remove(*this);
  }
}

Timers::~Timers() {
  for (Timer* timer : heap_) {
    timer->heap_index_ = Timer::not_armed;
  }
}

uint32_t Timers::fire(Instant now) {
  const uint64_t sequence_end = sequence_;
  uint32_t fired = 0;
  while (!heap_.empty()) {
    Timer& timer = *heap_.front();
    if (timer.deadline_ > now || timer.sequence_ >= sequence_end) {
      break;
    }
    remove(timer);
    ++fired;
    // The handler may free the timer: nothing of it is used after this.
    const Timer::Target target = timer.target_;
    target(timer);
  }
  return fired;
}

void Timers::insert(Timer& timer) {
  timer.sequence_ = sequence_++;
  heap_.push_back(&timer);
  timer.heap_index_ = static_cast<uint32_t>(heap_.size() - 1);
  sift_up(timer.heap_index_);
}

void Timers::remove(Timer& timer) {
  const uint32_t index = timer.heap_index_;
  ENSURE(index < heap_.size() && heap_[index] == &timer);
  timer.heap_index_ = Timer::not_armed;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last != &timer) {
    place(index, last);
    sift_up(index);
    sift_down(last->heap_index_);
  }
}

void Timers::sift_up(uint32_t index) {
  Timer* timer = heap_[index];
  while (index > 0) {
    const uint32_t parent = (index - 1) / 2;
    Timer* above = heap_[parent];
    if (Order{above->deadline_, above->sequence_} < Order{timer->deadline_, timer->sequence_}) {
      break;
    }
    place(index, above);
    index = parent;
  }
  place(index, timer);
}

void Timers::sift_down(uint32_t index) {
  Timer* timer = heap_[index];
  const uint32_t size = static_cast<uint32_t>(heap_.size());
  while (2 * index + 1 < size) {
    uint32_t child = 2 * index + 1;
    if (child + 1 < size && Order{heap_[child + 1]->deadline_, heap_[child + 1]->sequence_} <
                                Order{heap_[child]->deadline_, heap_[child]->sequence_}) {
      ++child;
    }
    if (Order{timer->deadline_, timer->sequence_} <
        Order{heap_[child]->deadline_, heap_[child]->sequence_}) {
      break;
    }
    place(index, heap_[child]);
    index = child;
  }
  place(index, timer);
}

void Timers::place(uint32_t index, Timer* timer) {
  heap_[index] = timer;
  timer->heap_index_ = index;
}

}  // namespace murder::io
