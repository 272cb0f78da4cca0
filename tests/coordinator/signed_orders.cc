#include "coordinator/signed_orders.h"

#include <doctest/doctest.h>

#include "engine/trust/agent_key.h"
#include "engine/trust/order.h"
#include "engine/trust/signature_file.h"

using namespace murder;
using namespace murder::coordinator;
using trust::OrderKind;

namespace {

InfoHash order_hash(uint8_t number) {
  InfoHash hash;
  hash.bytes[0] = number;
  return hash;
}

// `hash_number`: of the release that it names by its info hash; 0: of the same.
std::string order_text(OrderKind kind, uint8_t number, uint64_t serial, uint8_t hash_number = 0,
                       const std::string& app = "shop") {
  const std::string text =
      trust::encode_order({.kind = kind,
                           .application = app,
                           .tag = "v" + std::to_string(number),
                           .info_hash = order_hash(hash_number == 0 ? number : hash_number),
                           .groups = {},
                           .hosts = {},
                           .serial = serial,
                           .time_s = 5,
                           .expires_s = 6});
  const trust::AgentKey key = trust::agent_key_of({}).value();
  return trust::encode_signature_file(
      {.text = text, .signatures = {trust::sign_text(key, trust::order_namespace, text).value()}});
}

struct OrdersBench {
  OrdersBench() {
    for (uint8_t number = 1; number <= 2; ++number) {
      REQUIRE(machine.publish("shop", "v" + std::to_string(number), order_hash(number), number,
                              "olga", moment));
    }
  }
  Result<std::vector<SignedOrder>> read(Action action, std::vector<std::string> texts) {
    return read_signed_orders(
        machine.state(),
        {.action = action, .app = "shop", .tag = "v2", .orders = std::move(texts)});
  }
  control::Moment moment{.now = Instant(std::chrono::seconds(1000)), .wall_s = 5};
  control::Coordinator machine{control::State{}, 7, moment};
};

}  // namespace

TEST_CASE("orders of a request are about what it is about, and of its kind") {
  OrdersBench bench;
  const auto both = bench.read(Action::start, {order_text(OrderKind::activate, 2, 10),
                                               order_text(OrderKind::go_back, 2, 11)});
  REQUIRE(both);
  REQUIRE(both->size() == 2);
  CHECK((*both)[0].use == control::OrderUse::forward);
  CHECK((*both)[1].use == control::OrderUse::back);
  CHECK((*both)[1].tag == "v2");
  CHECK(bench.read(Action::start, {order_text(OrderKind::roll_back, 2, 10)}));
  // Of a rollout that activates nothing yet.
  CHECK(bench.read(Action::start, {order_text(OrderKind::want, 2, 10)}));
  CHECK(bench.read(Action::abort, {order_text(OrderKind::want, 2, 10)}));
  CHECK(bench.read(Action::undo, {order_text(OrderKind::go_back, 2, 10)}));
  CHECK(bench.read(Action::revoke, {order_text(OrderKind::revoke, 2, 10)}));
  CHECK(bench.read(Action::start, {})->empty());
  for (const auto& [action, kind] : {std::pair(Action::start, OrderKind::revoke),
                                     {Action::abort, OrderKind::activate},
                                     {Action::undo, OrderKind::activate},
                                     {Action::revoke, OrderKind::activate},
                                     {Action::undo, OrderKind::roll_back}}) {
    CHECK_FALSE(bench.read(action, {order_text(kind, 2, 10)}));
  }
  CHECK_FALSE(bench.read(Action::start, {order_text(OrderKind::activate, 1, 10)}));
  CHECK_FALSE(bench.read(Action::start, {order_text(OrderKind::activate, 2, 10, 1)}));
  CHECK_FALSE(bench.read(Action::start, {order_text(OrderKind::activate, 1, 10, 2)}));
  CHECK_FALSE(bench.read(Action::start, {order_text(OrderKind::activate, 2, 10, 2, "bank")}));
  CHECK_FALSE(bench.read(Action::start, {"murder-order 1\n"}));
  // One after the other.
  CHECK_FALSE(bench.read(Action::start, {order_text(OrderKind::activate, 2, 10),
                                         order_text(OrderKind::go_back, 2, 10)}));
}

TEST_CASE("an order that hosts would refuse as older is refused at once") {
  OrdersBench bench;
  const auto orders = bench.read(Action::start, {order_text(OrderKind::activate, 2, 10)});
  REQUIRE(give_orders(bench.machine, "shop", *orders, "olga", bench.moment));
  const auto again = bench.read(Action::start, {order_text(OrderKind::activate, 2, 10)});
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::conflict);
  CHECK(bench.read(Action::start, {order_text(OrderKind::activate, 2, 11)}));
}
