// Messages from one reactor thread to another.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <optional>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/io/notifier.h"

namespace murder::io {

// A ring of `capacity` messages with one producer thread and one consumer thread. Made on (or
// before the start of) the consumer's thread, which is that of `consumer`; the producer must have
// stopped posting before it is destroyed. A full mailbox refuses: the producer keeps the message
// and tries again later. Allocates nothing after construction.
//
// `target` is called on the consumer's thread when messages came; it takes until take() has none.
template <typename Message, uint32_t capacity>
class Mailbox {
  static_assert(std::has_single_bit(capacity));

 public:
  Mailbox(Reactor& consumer, Notifier::Target target) : notifier_(consumer, target) {}

  // Producer: false when full. The wake goes out with the producer's next enter.
  [[nodiscard]] bool post(Reactor& producer, Message message) {
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == capacity) {
      return false;
    }
    messages_[tail % capacity] = std::move(message);
    tail_.store(tail + 1, std::memory_order_release);
    notifier_.notify_from(producer);
    return true;
  }

  // Consumer.
  [[nodiscard]] std::optional<Message> take() {
    const uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) {
      return std::nullopt;
    }
    std::optional<Message> message(std::move(messages_[head % capacity]));
    head_.store(head + 1, std::memory_order_release);
    return message;
  }

 private:
  static constexpr size_t cache_line_bytes = 64;

  alignas(cache_line_bytes) std::atomic<uint32_t> head_{0};  // next to take
  alignas(cache_line_bytes) std::atomic<uint32_t> tail_{0};  // next to fill
  alignas(cache_line_bytes) std::array<Message, capacity> messages_{};
  Notifier notifier_;
};

}  // namespace murder::io
