#include "engine/io/turn_hook.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace murder;
using namespace murder::io;

namespace {

struct Hooked {
  Hooked(std::vector<int>& log, int name)
      : hook(callback<&Hooked::run>(this)), log_(log), name_(name) {}
  void run(TurnHook&) {
    log_.push_back(name_);
    if (victim != nullptr) {
      victim->reset();
    }
  }
  TurnHook hook;
  std::unique_ptr<Hooked>* victim = nullptr;

 private:
  std::vector<int>& log_;
  int name_;
};

}  // namespace

TEST_CASE("hooks run each time, in the order they were added, until they are removed") {
  TurnHookList list;
  std::vector<int> log;
  Hooked first(log, 1);
  Hooked second(log, 2);
  list.add(first.hook);
  list.add(second.hook);
  list.run();
  first.hook.remove();
  CHECK_FALSE(first.hook.added());
  list.run();
  CHECK(log == std::vector<int>{1, 2, 2});
}

TEST_CASE("a hook may free the one that would run next") {
  TurnHookList list;
  std::vector<int> log;
  Hooked first(log, 1);
  auto second = std::make_unique<Hooked>(log, 2);
  Hooked third(log, 3);
  list.add(first.hook);
  list.add(second->hook);
  list.add(third.hook);
  first.victim = &second;
  list.run();
  list.run();
  CHECK(log == std::vector<int>{1, 3, 1, 3});
}

TEST_CASE("a hook may free its own owner") {
  TurnHookList list;
  std::vector<int> log;
  auto only = std::make_unique<Hooked>(log, 1);
  only->victim = &only;
  list.add(only->hook);
  list.run();
  list.run();
  CHECK(log == std::vector<int>{1});
}
