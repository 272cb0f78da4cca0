// Which neighbour is served next. A piece can be passed on only when it is whole, so a few
// neighbours are served at a time, each for a whole piece, and the others wait in line. A neighbour
// that does not take what it asked for gives its place up, but is still served as fast as it takes.
//
// Slots are small numbers the caller owns (one per session). Nothing allocates after construction.
#pragma once

#include <cstdint>
#include <vector>

namespace murder::policy {

class UploadScheduler {
 public:
  UploadScheduler(uint32_t slot_count, uint32_t served_max);

  // Those in service stay until their piece is done, also when the number falls.
  void set_served_max(uint32_t served_max);
  // The slot has requests (again). Idempotent.
  void add(uint32_t slot);
  // The slot has none any more, or is gone. Idempotent.
  void remove(uint32_t slot);
  // The piece the slot was served is sent: if others wait, they come first. True when it lost its
  // place.
  bool piece_done(uint32_t slot);
  // The slot takes nothing: it does not count against served_max until piece_done or remove.
  void stalled(uint32_t slot);

  [[nodiscard]] bool is_served(uint32_t slot) const {
    return states_[slot] == State::served || states_[slot] == State::stalled;
  }
  [[nodiscard]] bool is_idle(uint32_t slot) const { return states_[slot] == State::idle; }
  // Whether next_admitted() would return a slot.
  [[nodiscard]] bool has_room_for_waiting() const {
    return first_ != none && served_ < served_max_;
  }
  // Slots that entered service since the last call of this function; each is told once.
  // Returns UINT32_MAX when there is none.
  [[nodiscard]] uint32_t next_admitted();

 private:
  enum class State : uint8_t { idle, waiting, served, stalled };
  static constexpr uint32_t none = UINT32_MAX;

  void push_waiting(uint32_t slot);
  void unlink_waiting(uint32_t slot);
  void leave_service();

  std::vector<State> states_;
  std::vector<uint32_t> next_;  // of the waiting line
  std::vector<uint32_t> previous_;
  uint32_t first_ = none;
  uint32_t last_ = none;
  uint32_t served_ = 0;
  uint32_t served_max_;
};

}  // namespace murder::policy
