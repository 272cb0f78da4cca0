#include "engine/archive/out_of_memory.h"

#include <unistd.h>

#include <array>
#include <atomic>
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

[[noreturn]] void end_process() {
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
