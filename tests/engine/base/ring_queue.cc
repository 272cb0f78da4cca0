#include "engine/base/ring_queue.h"

#include <doctest/doctest.h>

#include <deque>

#include "engine/base/prng.h"

using murder::RingQueue;

TEST_CASE("a ring queue behaves as a deque does, over growth and wrap-around") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    murder::Prng prng(seed);
    const uint32_t size_max = 1 + prng.below(40);
    RingQueue<uint32_t> queue(size_max);
    std::deque<uint32_t> model;
    for (uint32_t step = 0; step < 2000; ++step) {
      const uint32_t choice = prng.below(100);
      if (choice < 50 && !queue.full()) {
        queue.push(step);
        model.push_back(step);
      } else if (choice < 75 && !queue.empty()) {
        REQUIRE(queue.pop() == model.front());
        model.pop_front();
      } else if (choice < 98 && !queue.empty()) {
        const uint32_t position = prng.below(queue.size());
        REQUIRE(queue.remove(position) == model[position]);
        model.erase(model.begin() + position);
      } else if (choice >= 98) {
        queue.clear();
        model.clear();
      }
      REQUIRE(queue.size() == model.size());
      REQUIRE(queue.empty() == model.empty());
      REQUIRE(queue.full() == (model.size() == size_max));
      for (uint32_t position = 0; position < queue.size(); ++position) {
        REQUIRE(queue.at(position) == model[position]);
      }
    }
  }
}
