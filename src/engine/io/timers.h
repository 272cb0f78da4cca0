// Timers of one reactor, kept in a binary heap. No clock here: the reactor says what time it is.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/callback.h"
#include "engine/base/instant.h"

namespace murder::io {

class Timers;

// Embedded in its owner, on the thread of its reactor. Fires once per arm(); unarms itself when it
// is destroyed. The handler may arm it again or free the owner.
class Timer {
 public:
  using Target = Callback<void(Timer&)>;

  Timer(Timers& timers, Target target);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  // Fires at the first turn that starts at or after `deadline`; replaces an earlier deadline.
  void arm(Instant deadline);
  void cancel();
  [[nodiscard]] bool armed() const { return heap_index_ != not_armed; }
  // instant_never when not armed.
  [[nodiscard]] Instant deadline() const { return armed() ? deadline_ : instant_never; }

 private:
  friend class Timers;
  static constexpr uint32_t not_armed = UINT32_MAX;

  Timers& timers_;
  Target target_;
  Instant deadline_ = instant_never;
  uint64_t sequence_ = 0;
  uint32_t heap_index_ = not_armed;
};

// Arming and cancelling cost O(log n) and allocate only when more timers are armed than ever
// before (and than `capacity`). Must outlive its timers' last use.
class Timers {
 public:
  explicit Timers(uint32_t capacity) { heap_.reserve(capacity); }
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;
  ~Timers();

  [[nodiscard]] uint32_t armed_count() const { return static_cast<uint32_t>(heap_.size()); }
  // When the next one is due; instant_never when none is armed.
  [[nodiscard]] Instant next() const {
    return heap_.empty() ? instant_never : heap_.front()->deadline_;
  }
  // Fires what is due at `now`, by deadline and then in the order of arming, and returns how many.
  // A timer armed by a handler waits for the next call, even if it is due.
  uint32_t fire(Instant now);

 private:
  friend class Timer;

  void insert(Timer& timer);
  void remove(Timer& timer);
  void sift_up(uint32_t index);
  void sift_down(uint32_t index);
  void place(uint32_t index, Timer* timer);

  std::vector<Timer*> heap_;
  uint64_t sequence_ = 0;
};

}  // namespace murder::io
