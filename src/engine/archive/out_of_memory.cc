#include "engine/archive/out_of_memory.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "engine/archive/tree_removal.h"

namespace murder::archive {
namespace {

constexpr size_t path_bytes_max = 4096;  // PATH_MAX
constexpr size_t reserve_bytes = 4 * 1024 * 1024;

enum class SlotState : int { free, filling, used };

struct Slot {
  std::atomic<SlotState> state{SlotState::free};
  std::array<char, path_bytes_max> path{};
};

std::array<Slot, 16> slots;
void* reserve = nullptr;  // given back for the clean-up
std::atomic<bool> is_ending{false};
thread_local bool is_cleaner = false;
thread_local Deputy* deputy_of_thread = nullptr;
constexpr unsigned deputy_seconds = 5;
constexpr std::chrono::milliseconds wait_interval{100};

[[noreturn]] void end_process() {
  if (deputy_of_thread != nullptr) {
    deputy_of_thread->end_process();
  }
  if (is_ending.exchange(true)) {
    // Another thread cleans up, or cleaning up itself got no memory.
    sleep(is_cleaner ? 0 : 5);
    _exit(1);
  }
  is_cleaner = true;
  std::free(std::exchange(reserve, nullptr));
  constexpr char text[] =
      "murder: not enough memory: allow this process more (ulimit -v, memory.max of its control "
      "group), or lower --memory\n";
  static_cast<void>(!write(STDERR_FILENO, text, sizeof(text) - 1));
  for (Slot& slot : slots) {
    if (slot.state == SlotState::used && unlink(slot.path.data()) != 0) {
      static_cast<void>(remove_tree(slot.path.data()));
    }
  }
  _exit(1);
}

}  // namespace

void Deputy::act_for_this_thread() {
  deputy_of_thread = this;
}

void Deputy::release() {
  deputy_of_thread = nullptr;
  tell(State::released);
}

void Deputy::tell(State state) {
  // Told under the lock: who waits may end with this right after it.
  const std::lock_guard lock(mutex_);
  state_ = state;
  told_.notify_one();
}

void Deputy::end_process() {
  tell(State::lacks_memory);
  sleep(deputy_seconds);
  _exit(1);
}

bool Deputy::wait(bool briefly) {
  std::unique_lock lock(mutex_);
  const auto is_told = [this] { return state_ != State::waiting; };
  if (briefly) {
    told_.wait_for(lock, wait_interval, is_told);
  } else {
    told_.wait(lock, is_told);
  }
  if (state_ == State::lacks_memory) {
    lock.unlock();
    murder::archive::end_process();
  }
  return state_ == State::released;
}

DoomedPath::DoomedPath(const std::string& path) {
  if (path.size() >= path_bytes_max) {
    return;
  }
  for (size_t index = 0; index < slots.size(); ++index) {
    SlotState expected = SlotState::free;
    if (slots[index].state.compare_exchange_strong(expected, SlotState::filling)) {
      std::memcpy(slots[index].path.data(), path.c_str(), path.size() + 1);
      slots[index].state = SlotState::used;
      slot_ = static_cast<int>(index);
      return;
    }
  }
}

DoomedPath::DoomedPath(DoomedPath&& other) noexcept : slot_(std::exchange(other.slot_, -1)) {}

void DoomedPath::spare() {
  if (slot_ >= 0) {
    slots[static_cast<size_t>(std::exchange(slot_, -1))].state = SlotState::free;
  }
}

void end_when_memory_is_out() {
  reserve = std::malloc(reserve_bytes);
  std::set_new_handler(end_process);
}

}  // namespace murder::archive
