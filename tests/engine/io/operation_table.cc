#include "engine/io/operation_table.h"

#include <doctest/doctest.h>

#include "support.h"

using namespace murder;
using namespace murder::io;

TEST_CASE("a completion finds its operation, once") {
  OperationTable table(4);
  Recorder recorder;
  const uint64_t user_data = table.enter(recorder.operation, OperationKind::recv);
  CHECK(recorder.operation.in_flight());
  CHECK(table.find(user_data) == &recorder.operation);
  CHECK(table.complete(user_data, 7, 0));
  CHECK_FALSE(recorder.operation.in_flight());
  CHECK(recorder.result() == 7);
  CHECK_FALSE(table.complete(user_data, 8, 0));
  CHECK(recorder.completions.size() == 1);
}

TEST_CASE("a completion of an earlier use of the slot is late") {
  OperationTable table(1);
  Recorder first;
  const uint64_t stale = table.enter(first.operation, OperationKind::recv);
  REQUIRE(table.complete(stale, 0, 0));
  Recorder second;
  const uint64_t current = table.enter(second.operation, OperationKind::recv);
  CHECK(current != stale);
  CHECK(table.find(stale) == nullptr);
  CHECK_FALSE(table.complete(stale, 1, 0));
  CHECK(second.completions.empty());
  CHECK(table.complete(current, 2, 0));
}

TEST_CASE("user data of no slot, or of another kind, is late") {
  OperationTable table(2);
  Recorder recorder;
  const uint64_t user_data = table.enter(recorder.operation, OperationKind::send);
  CHECK(table.find(user_data | uint64_t{0xffffff} << 32U) == nullptr);
  CHECK(table.find(user_data ^ uint64_t{1} << 56U) == nullptr);
  CHECK(table.find(0) == nullptr);
  CHECK(table.complete(user_data, 0, 0));
}

TEST_CASE("an operation with more to come stays in flight") {
  OperationTable table(2);
  Recorder recorder;
  const uint64_t user_data = table.enter(recorder.operation, OperationKind::accept);
  CHECK(table.complete(user_data, 5, cqe_more));
  CHECK(recorder.operation.in_flight());
  CHECK(table.complete(user_data, 6, cqe_more));
  CHECK(table.complete(user_data, -125, 0));
  CHECK_FALSE(recorder.operation.in_flight());
  CHECK(recorder.completions.size() == 3);
}

TEST_CASE("every slot can be used and used again") {
  OperationTable table(3);
  for (int round = 0; round < 5; ++round) {
    Recorder recorders[3];
    uint64_t user_data[3] = {};
    for (int index = 0; index < 3; ++index) {
      user_data[index] = table.enter(recorders[index].operation, OperationKind::read);
    }
    CHECK(table.in_flight() == 3);
    for (int index = 0; index < 3; ++index) {
      CHECK(table.complete(user_data[index], index, 0));
      CHECK(recorders[index].result() == index);
    }
    CHECK(table.in_flight() == 0);
  }
}

TEST_CASE("a handler may start its operation again or free its owner") {
  struct Owner {
    OperationTable& table;
    Operation operation{callback<&Owner::done>(this)};
    uint64_t user_data = 0;
    bool free_next = false;

    void done(Operation& which, int32_t, uint32_t) {
      if (free_next) {
        delete this;
      } else {
        user_data = table.enter(which, OperationKind::recv);
      }
    }
  };
  OperationTable table(1);
  auto* owner = new Owner{.table = table};
  REQUIRE(table.complete(table.enter(owner->operation, OperationKind::recv), 0, 0));
  CHECK(table.in_flight() == 1);
  owner->free_next = true;
  CHECK(table.complete(owner->user_data, 0, 0));
  CHECK(table.in_flight() == 0);
}
