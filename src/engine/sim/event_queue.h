// What happens when, in one order: by time, and among equals in the order they
// were put in.
//
// Most events come a fixed delay after now, so their times never fall: they
// stand in lanes, plain rings that cost nothing to keep sorted. All others, and
// what comes earlier than the last of its lane, go into a heap. Owned by one simulation;
// grows to what was ever waiting at once and allocates no more.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/instant.h"

namespace murder::sim {

enum class EventKind : uint8_t {
  join,            // host
  tick,            // host
  die,             // host
  reset,           // host: one of its connections breaks
  dialed,          // side
  accepted,        // side
  handshake,       // side: of the receiver
  parcel,          // parcel
  payload_begin,   // side of the receiver, piece, offset; the size is the
                   // parcel's
  payload_end,     // side of the receiver
  remote_end,      // side, reason
  closed,          // side
  forget,          // side: of the connection's first end
  disarmed,        // side
  verified,        // host, buffer
  stored,          // host, buffer
  announce_sent,   // host, talk
  announce_heard,  // host, talk
  announcer_due,   // host
};

struct Event {
  Instant when;
  uint64_t sequence = 0;  // set by the queue
  EventKind kind = EventKind::tick;
  uint32_t target = 0;  // a host, a side or a parcel: see EventKind
  uint32_t first = 0;
  uint32_t second = 0;
};
static_assert(sizeof(Event) == 32);

class EventQueue {
 public:
  enum class Lane : uint8_t { latency, tick, none };

  void push(Lane lane, Event event);

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] Instant next_at() const { return next_at_; }  // instant_never when empty
  // The queue must not be empty.
  Event pop();

 private:
  static constexpr uint32_t lane_count = 2;
  static constexpr uint32_t heap = lane_count;

  struct Ring {
    std::vector<Event> cells;  // a power of two
    uint32_t first = 0;
    uint32_t size = 0;

    [[nodiscard]] const Event& at(uint32_t position) const {
      return cells[(first + position) & (cells.size() - 1)];
    }
    [[nodiscard]] bool takes(const Event& event) const {
      return size == 0 || event.when >= at(size - 1).when;
    }
    void push(const Event& event);
  };

  void push_heap(const Event& event);
  void pop_heap();
  void find_next();

  Ring lanes_[lane_count];
  std::vector<Event> heap_;  // four children each
  uint64_t sequence_ = 0;
  uint32_t size_ = 0;
  uint32_t next_lane_ = 0;
  Instant next_at_ = instant_never;
};

}  // namespace murder::sim
