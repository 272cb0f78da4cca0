// The end of a process that gets no memory any more (ulimit -v, a host without any): a message,
// exit status 1, and nothing half-made left behind. The engine has no exceptions, so that what owns
// a temporary file is not destroyed when an allocation fails deep below it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

namespace murder::archive {

// A path that is removed when the process ends for want of memory, for as long as this lives. A
// fixed number of them is known at a time; what is beyond it stays for the next run to remove.
class DoomedPath {
 public:
  explicit DoomedPath(const std::string& path);
  DoomedPath(DoomedPath&& other) noexcept;
  DoomedPath& operator=(DoomedPath&&) = delete;
  ~DoomedPath() { spare(); }

  // It is not removed any more.
  void spare();

 private:
  int slot_ = -1;
};

// A thread that waits for another one which may not remove what is doomed (confined_thread.h), and
// ends the process in its place. For one such thread.
class Deputy {
 public:
  // On the other thread: from now on, until release().
  void act_for_this_thread();
  void release();

  // On the waiting one: true once it was released; with `briefly` false after a tenth of a second.
  // Does not return when the other one lacks memory.
  [[nodiscard]] bool wait(bool briefly);

  // On the other thread, when it lacks memory.
  [[noreturn]] void end_process();

 private:
  enum class State : uint8_t { waiting, released, lacks_memory };
  void tell(State state);

  std::mutex mutex_;
  std::condition_variable told_;
  State state_ = State::waiting;
};

// For the start of the program: from now on an allocation that fails ends the process as above.
void end_when_memory_is_out();

}  // namespace murder::archive
