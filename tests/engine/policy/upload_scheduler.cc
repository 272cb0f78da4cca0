#include "engine/policy/upload_scheduler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "engine/base/prng.h"

using murder::Prng;
using murder::policy::UploadScheduler;

namespace {

std::vector<uint32_t> admitted(UploadScheduler& scheduler) {
  std::vector<uint32_t> slots;
  for (uint32_t slot = scheduler.next_admitted(); slot != UINT32_MAX;
       slot = scheduler.next_admitted()) {
    slots.push_back(slot);
  }
  return slots;
}

}  // namespace

TEST_CASE("at most served_max are served, in the order they came") {
  UploadScheduler scheduler(10, 2);
  for (const uint32_t slot : {5U, 3U, 8U, 1U}) {
    scheduler.add(slot);
    scheduler.add(slot);
  }
  CHECK(admitted(scheduler) == std::vector<uint32_t>{5, 3});
  CHECK(scheduler.is_served(5));
  CHECK_FALSE(scheduler.is_served(8));
  scheduler.remove(5);
  scheduler.remove(5);
  CHECK(admitted(scheduler) == std::vector<uint32_t>{8});
  CHECK(admitted(scheduler).empty());
}

TEST_CASE("after a piece the next in line is served, and the slot stands at the end") {
  UploadScheduler scheduler(10, 1);
  scheduler.add(0);
  CHECK(admitted(scheduler) == std::vector<uint32_t>{0});
  CHECK_FALSE(scheduler.piece_done(0));  // nobody waits: it goes on
  CHECK(scheduler.is_served(0));
  scheduler.add(1);
  scheduler.add(2);
  CHECK(scheduler.piece_done(0));
  CHECK_FALSE(scheduler.is_served(0));
  CHECK(admitted(scheduler) == std::vector<uint32_t>{1});
  CHECK(scheduler.piece_done(1));
  CHECK(admitted(scheduler) == std::vector<uint32_t>{2});
  CHECK(scheduler.piece_done(2));
  CHECK(admitted(scheduler) == std::vector<uint32_t>{0});
}

TEST_CASE("a stalled slot keeps its service but not its place") {
  UploadScheduler scheduler(10, 1);
  scheduler.add(0);
  scheduler.add(1);
  CHECK(admitted(scheduler) == std::vector<uint32_t>{0});
  scheduler.stalled(0);
  CHECK(scheduler.is_served(0));
  CHECK(admitted(scheduler) == std::vector<uint32_t>{1});
  scheduler.stalled(2);  // it is not served: nothing happens
  CHECK_FALSE(scheduler.is_served(2));
  scheduler.remove(0);
  CHECK(admitted(scheduler).empty());  // 1 still has the only place
}

TEST_CASE("one that waits can leave from anywhere in the line") {
  for (uint32_t leaver = 1; leaver <= 3; ++leaver) {
    UploadScheduler scheduler(10, 1);
    for (uint32_t slot = 0; slot <= 3; ++slot) {
      scheduler.add(slot);
    }
    CHECK(admitted(scheduler) == std::vector<uint32_t>{0});
    scheduler.remove(leaver);
    scheduler.remove(0);
    std::vector<uint32_t> order;
    for (auto next = admitted(scheduler); !next.empty(); next = admitted(scheduler)) {
      order.push_back(next.front());
      scheduler.remove(next.front());
    }
    std::vector<uint32_t> expected = {1, 2, 3};
    std::erase(expected, leaver);
    CHECK(order == expected);
  }
}

TEST_CASE("random use never serves more than served_max that take, and forgets nobody") {
  constexpr uint32_t slot_count = 12;
  constexpr uint32_t served_max = 3;
  enum class Is : uint8_t { idle, waiting, served, stalled };
  for (uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    Prng prng(seed);
    UploadScheduler scheduler(slot_count, served_max);
    std::array<Is, slot_count> model{};
    for (int step = 0; step < 1000; ++step) {
      const uint32_t slot = prng.below(slot_count);
      const bool others_wait = std::count(model.begin(), model.end(), Is::waiting) > 0;
      switch (prng.below(4)) {
        case 0:
          scheduler.add(slot);
          model[slot] = model[slot] == Is::idle ? Is::waiting : model[slot];
          break;
        case 1:
          scheduler.remove(slot);
          model[slot] = Is::idle;
          break;
        case 2: {
          const bool served = model[slot] == Is::served || model[slot] == Is::stalled;
          REQUIRE(scheduler.piece_done(slot) == (served && others_wait));
          model[slot] = served && others_wait ? Is::waiting : model[slot];
          break;
        }
        default:
          scheduler.stalled(slot);
          model[slot] = model[slot] == Is::served ? Is::stalled : model[slot];
      }
      for (const uint32_t entered : admitted(scheduler)) {
        REQUIRE(model[entered] == Is::waiting);
        model[entered] = Is::served;
      }
      const auto taking = std::count(model.begin(), model.end(), Is::served);
      REQUIRE(taking <= served_max);
      REQUIRE((taking == served_max || std::count(model.begin(), model.end(), Is::waiting) == 0));
      for (uint32_t each = 0; each < slot_count; ++each) {
        const bool served = model[each] == Is::served || model[each] == Is::stalled;
        REQUIRE(scheduler.is_served(each) == served);
      }
    }
  }
}
