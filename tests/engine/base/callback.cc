#include "engine/base/callback.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using murder::Callback;
using murder::callback;

namespace {

struct Counter {
  void add(int more) { sum += more; }
  [[nodiscard]] std::string text() const { return std::to_string(sum); }
  void take(std::unique_ptr<int> number, int& ret_number) { ret_number = *number + sum; }

  int sum = 0;
};

}  // namespace

TEST_CASE("a callback calls the member function of its object") {
  Counter counter;
  const Callback<void(int)> add = callback<&Counter::add>(&counter);
  add(2);
  add(3);
  CHECK(counter.sum == 5);
  const Counter& seen = counter;
  const Callback<std::string()> text = callback<&Counter::text>(&seen);
  CHECK(text() == "5");
  const Callback<void(std::unique_ptr<int>, int&)> take = callback<&Counter::take>(&counter);
  int number = 0;
  take(std::make_unique<int>(10), number);
  CHECK(number == 15);
}

TEST_CASE("one that was not given a function says so") {
  Callback<void(int)> none;
  CHECK_FALSE(none);
  Counter counter;
  none = callback<&Counter::add>(&counter);
  CHECK(none);
  none = {};
  CHECK_FALSE(none);
}
