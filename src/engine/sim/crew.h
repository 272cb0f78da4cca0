// Threads that do the same thing at the same time, now and then.
#pragma once

#include <atomic>
#include <barrier>
#include <cstdint>
#include <thread>
#include <vector>

namespace murder::sim {

class Crew {
 public:
  // As many as there are cores, and at most `count_max`. The caller is one of them: with 1, nothing
  // is started.
  explicit Crew(uint32_t count_max);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Calls task(0), task(1), .. up to `count`, spread over the threads, and returns when all are
  // done. What it did is seen by every later task.
  template <typename Task>
  void run(uint32_t count, const Task& task) {
    task_ = &task;
    call_ = [](const void* called, uint32_t number) {
      (*static_cast<const Task*>(called))(number);
    };
    run_all(count);
  }

 private:
  void run_all(uint32_t count);
  void work();

  const uint32_t thread_count_;  // the caller included
  std::vector<std::thread> threads_;
  std::barrier<> begin_;
  std::barrier<> end_;
  const void* task_ = nullptr;  // none: they are to end
  void (*call_)(const void* task, uint32_t number) = nullptr;
  uint32_t count_ = 0;
  std::atomic<uint32_t> next_ = 0;
};

}  // namespace murder::sim
