#include "engine/sim/crew.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::sim {

namespace {

uint32_t thread_count_for(uint32_t count_max) {
  return std::clamp(std::thread::hardware_concurrency(), 1U, std::max(count_max, 1U));
}

}  // namespace

Crew::Crew(uint32_t count_max)
    : thread_count_(thread_count_for(count_max)), begin_(thread_count_), end_(thread_count_) {
  for (uint32_t number = 1; number < thread_count_; ++number) {
    threads_.emplace_back([this] {
      while (true) {
        begin_.arrive_and_wait();
        if (task_ == nullptr) {
          return;
        }
        work();
        end_.arrive_and_wait();
      }
    });
  }
}

Crew::~Crew() {
  if (!threads_.empty()) {
    task_ = nullptr;
    begin_.arrive_and_wait();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
}

void Crew::run_all(uint32_t count) {
  ENSURE(task_ != nullptr);
  count_ = count;
  next_ = 0;
  if (threads_.empty() || count == 1) {
    work();
    return;
  }
  begin_.arrive_and_wait();
  work();
  end_.arrive_and_wait();
}

void Crew::work() {
  for (uint32_t number = next_.fetch_add(1); number < count_; number = next_.fetch_add(1)) {
    call_(task_, number);
  }
}

}  // namespace murder::sim
