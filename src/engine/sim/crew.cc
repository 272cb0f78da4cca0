#include "engine/sim/crew.h"

namespace murder::sim {

Crew::Crew(uint32_t count) : begin_(count), end_(count) {
  for (uint32_t number = 1; number < count; ++number) {
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
