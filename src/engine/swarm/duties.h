// What may follow from an input, once for all that changed: the cascades of a swarm.
#pragma once

#include <cstdint>

namespace murder::swarm {

// In the order in which they are done.
enum class Duty : uint8_t {
  admit,        // places to be served were freed: those who wait get them
  fill,         // buffers or sources were freed: sessions are asked for more
  tell_free,    // download slots were taken or freed: neighbours hear of it
  offer_again,  // those whose grant was declined hear of what there is for them since
  grant,        // upload slots or takers were freed: pieces are granted
  dial,         // connections or candidates were freed: others are dialled
};

class Duties {
 public:
  void mark(Duty duty) { due_ |= bit(duty); }
  [[nodiscard]] bool none() const { return due_ == 0; }
  // Whether it is due; from here on it is not.
  [[nodiscard]] bool take(Duty duty) {
    const bool is_due = (due_ & bit(duty)) != 0;
    due_ &= ~bit(duty);
    return is_due;
  }

 private:
  [[nodiscard]] static uint32_t bit(Duty duty) { return 1U << static_cast<unsigned>(duty); }

  uint32_t due_ = 0;
};

}  // namespace murder::swarm
