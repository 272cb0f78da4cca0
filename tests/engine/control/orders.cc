#include "engine/control/orders.h"

#include <doctest/doctest.h>

#include "agent_bench.h"
#include "engine/control/bounds.h"
#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;

namespace {

// "forward2 revoke1": what an agent is told now.
std::string due_text(const FleetBench& bench, const std::string& host, OrdersTold& told) {
  const State& state = bench.coordinator->state();
  const OrdersDue due = orders_due(state, *state.find_agent(host), told);
  told = due.told;
  std::string text;
  for (const Order* order : due.orders) {
    static constexpr std::string_view names[] = {"forward", "back", "revoke"};
    text += fmt::format("{}{}{}", text.empty() ? "" : " ", names[static_cast<int>(order->use)],
                        order->release.raw);
  }
  return text;
}

Status give(FleetBench& bench, OrderUse use, uint8_t release, uint64_t serial) {
  Status given =
      bench.coordinator->give_order("shop", fmt::format("v{}", release), use, serial,
                                    fmt::format("order {}\n", serial), "olga", bench.moment);
  bench.settle();
  return given;
}

}  // namespace

TEST_CASE("an order is given once, with a serial that grows, and every agent of the app is told") {
  FleetBench bench(3);
  REQUIRE(give(bench, OrderUse::forward, 2, 10));
  CHECK(bench.told.size() == 3);
  CHECK(give(bench, OrderUse::forward, 2, 10).error().code == ErrorCode::conflict);
  CHECK(give(bench, OrderUse::revoke, 1, 9).error().code == ErrorCode::conflict);
  CHECK(give(bench, OrderUse::forward, 7, 11).error().code == ErrorCode::not_found);
  const App& app = *bench.coordinator->state().find_app("shop");
  CHECK(last_order_serial(app) == 10);
  REQUIRE(app.orders.size() == 1);
  CHECK(app.orders[0].text.text == "order 10\n");
}

TEST_CASE("an agent is told an order once on a connection, and again on the next one") {
  FleetBench bench(1);
  OrdersTold told;
  CHECK(due_text(bench, "w000", told) == "");
  REQUIRE(give(bench, OrderUse::forward, 2, 10));
  REQUIRE(give(bench, OrderUse::back, 2, 11));
  REQUIRE(give(bench, OrderUse::revoke, 1, 12));
  CHECK(due_text(bench, "w000", told) == "forward2 revoke1");
  CHECK(due_text(bench, "w000", told) == "");
  REQUIRE(give(bench, OrderUse::revoke, 3, 13));
  CHECK(due_text(bench, "w000", told) == "revoke3");
  REQUIRE(give(bench, OrderUse::forward, 2, 14));
  CHECK(due_text(bench, "w000", told) == "forward2");
  OrdersTold other;
  CHECK(due_text(bench, "w000", other) == "forward2 revoke1 revoke3");
}

TEST_CASE("an order to go back is told when the rollout goes back, not before") {
  FleetBench bench(1);
  bench.all_run(1);
  bench.all_have(2);
  REQUIRE(bench.start_rollout(2, {}));
  REQUIRE(give(bench, OrderUse::forward, 2, 10));
  REQUIRE(give(bench, OrderUse::back, 2, 11));
  OrdersTold told;
  CHECK(due_text(bench, "w000", told) == "forward2");
  REQUIRE(bench.coordinator->undo("shop", "olga", bench.moment));
  bench.settle();
  CHECK(due_text(bench, "w000", told) == "back2");
}

TEST_CASE("an order forward takes the place of the way before, revocations stay and are bounded") {
  FleetBench bench(1);
  REQUIRE(give(bench, OrderUse::revoke, 1, 1));
  REQUIRE(give(bench, OrderUse::forward, 2, 2));
  REQUIRE(give(bench, OrderUse::back, 2, 3));
  REQUIRE(give(bench, OrderUse::back, 2, 4));
  REQUIRE(give(bench, OrderUse::forward, 3, 5));
  CHECK(bench.coordinator->state().find_app("shop")->orders.size() == 2);
  App app{.name = "shop"};
  for (uint32_t number = 1; number <= limits::control_revoked_told_max + 5; ++number) {
    keep_order(app, {.use = OrderUse::revoke, .release = ReleaseNumber{number}, .serial = number});
  }
  CHECK(app.orders.size() == limits::control_revoked_told_max);
  CHECK(app.orders.front().serial == 6);
  forget_orders_of(app, ReleaseNumber{6});
  CHECK(app.orders.front().serial == 7);
}

TEST_CASE("orders outlive the coordinator, in its log and in a snapshot") {
  FleetBench bench(2);
  REQUIRE(give(bench, OrderUse::forward, 2, 10));
  REQUIRE(give(bench, OrderUse::back, 2, 11));
  REQUIRE(give(bench, OrderUse::revoke, 1, 12));
  const std::vector<Record> snapshot = snapshot_of(bench.coordinator->state());
  for (const std::vector<Record>& records : {bench.log, snapshot}) {
    const Result<State> again = replay(records, bench.moment.now);
    REQUIRE(again);
    const auto& orders = again->find_app("shop")->orders;
    REQUIRE(orders.size() == 3);
    CHECK(orders[0].text.text == "order 10\n");
    CHECK(orders[2].use == OrderUse::revoke);
    CHECK(last_order_serial(*again->find_app("shop")) == 12);
  }
  bench.start();
  OrdersTold told;
  CHECK(due_text(bench, "w001", told) == "forward2 revoke1");
}

TEST_CASE("a host that refuses what is not ordered failed, and is tried again when it is ordered") {
  FleetBench bench(2);
  bench.all_run(1);
  REQUIRE(bench.start_rollout(2, {.max_fail = share("100%")}));
  bench.fails("w000", Reason::unordered);
  CHECK(bench.stages() == "1 failed, 1 waiting");
  CHECK(bench.target("w000").reason == Reason::unordered);
  bench.app("w000").failure = Reason::none;
  bench.app("w000").failed_attempt = 0;
  bench.hear("w000");
  CHECK(bench.target("w000").stage == Stage::waiting);
  bench.has("w000", 2);
  bench.runs("w000", 2);
  CHECK(bench.target("w000").stage == Stage::healthy);
}

TEST_CASE("on the way back likewise") {
  FleetBench bench(1);
  bench.all_run(1);
  bench.all_have(2);
  REQUIRE(bench.start_rollout(2, {}));
  bench.activate_all(2);
  REQUIRE(bench.coordinator->undo("shop", "olga", bench.moment));
  bench.settle();
  bench.fails("w000", Reason::unordered);
  CHECK(bench.target("w000").stage == Stage::back_failed);
  CHECK_FALSE(bench.wanted("w000").activate);
  bench.app("w000").failure = Reason::none;
  bench.hear("w000");
  CHECK(bench.target("w000").stage == Stage::back_told);
  bench.runs("w000", 1);
  CHECK(bench.target("w000").stage == Stage::back_done);
}

TEST_CASE("an agent does nothing without an order, says why, and begins when it comes") {
  AgentBench bench;
  bench.app().refusal = "none came";
  CHECK(bench.hear() == "");
  CHECK(bench.has_reported);
  CHECK(bench.report().failure == Reason::unordered);
  CHECK(bench.report().text == "none came");
  CHECK(bench.report().failed_attempt == 10);
  CHECK(bench.hear() == "");
  bench.app().refusal.clear();
  CHECK(bench.hear() == "fetch2");
  CHECK(bench.report().failure == Reason::none);
  bench.done();
  bench.done();
  // Fetched, and not to be activated.
  bench.app().attempt = 11;
  bench.app().refusal = "expired";
  CHECK(bench.hear() == "");
  CHECK(bench.report().failure == Reason::unordered);
  CHECK(bench.report().active == hash_of(1));
}
