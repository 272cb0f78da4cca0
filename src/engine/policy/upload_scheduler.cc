#include "engine/policy/upload_scheduler.h"

#include "engine/base/ensure.h"

namespace murder::policy {

UploadScheduler::UploadScheduler(uint32_t slot_count, uint32_t served_max)
    : states_(slot_count, State::idle),
      next_(slot_count, none),
      previous_(slot_count, none),
      served_max_(served_max) {
  ENSURE(served_max >= 1);
}

void UploadScheduler::set_served_max(uint32_t served_max) {
  ENSURE(served_max >= 1);
  served_max_ = served_max;
}

void UploadScheduler::push_waiting(uint32_t slot) {
  ENSURE(slot < states_.size() && states_[slot] != State::waiting);
  states_[slot] = State::waiting;
  next_[slot] = none;
  previous_[slot] = last_;
  (last_ == none ? first_ : next_[last_]) = slot;
  last_ = slot;
}

void UploadScheduler::unlink_waiting(uint32_t slot) {
  ENSURE(states_[slot] == State::waiting);
  (previous_[slot] == none ? first_ : next_[previous_[slot]]) = next_[slot];
  (next_[slot] == none ? last_ : previous_[next_[slot]]) = previous_[slot];
}

void UploadScheduler::leave_service() {
  ENSURE(served_ > 0);
  --served_;
}

void UploadScheduler::add(uint32_t slot) {
  if (states_[slot] == State::idle) {
    push_waiting(slot);
  }
}

void UploadScheduler::remove(uint32_t slot) {
  if (states_[slot] == State::waiting) {
    unlink_waiting(slot);
  } else if (states_[slot] == State::served) {
    leave_service();
  }
  states_[slot] = State::idle;
}

bool UploadScheduler::piece_done(uint32_t slot) {
  if (!is_served(slot) || first_ == none) {
    return false;
  }
  if (states_[slot] == State::served) {
    leave_service();
  }
  push_waiting(slot);
  return true;
}

void UploadScheduler::stalled(uint32_t slot) {
  if (states_[slot] == State::served) {
    states_[slot] = State::stalled;
    leave_service();
  }
}

uint32_t UploadScheduler::next_admitted() {
  if (!has_room_for_waiting()) {
    return none;
  }
  const uint32_t slot = first_;
  unlink_waiting(slot);
  states_[slot] = State::served;
  ++served_;
  return slot;
}

}  // namespace murder::policy
