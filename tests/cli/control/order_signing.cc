#include "cli/control/order_signing.h"

#include <doctest/doctest.h>

#include "cli/control/rollout_orders.h"

namespace murder::cli {
namespace {

using trust::OrderKind;

constexpr int64_t signed_at_s = 1'800'000'000;
const OrderSubject subject{.app = "shop",
                           .tag = "v2",
                           .info_hash = "7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70",
                           .last_serial = 5,
                           .groups = {"web", "eu", "web"}};

}  // namespace

TEST_CASE("orders have the time as serial, one after the other, and end after a week") {
  const auto orders = make_orders(subject, kinds_of_start(false, true), std::nullopt, signed_at_s);
  REQUIRE(orders);
  REQUIRE(orders->size() == 2);
  CHECK((*orders)[0].kind == OrderKind::activate);
  CHECK((*orders)[0].serial == 1'800'000'000);
  CHECK((*orders)[0].expires_s == signed_at_s + 7 * 86400);
  CHECK((*orders)[0].groups == std::vector<std::string>{"eu", "web"});
  CHECK((*orders)[1].kind == OrderKind::go_back);
  CHECK((*orders)[1].serial == 1'800'000'001);
  CHECK(kinds_of_start(true, false) == std::vector{OrderKind::roll_back});
  const auto short_one =
      make_orders(subject, {OrderKind::activate}, std::chrono::seconds(60), signed_at_s);
  CHECK(short_one->front().expires_s == signed_at_s + 60);
}

TEST_CASE("a revocation is for all hosts, and for years") {
  const auto orders = make_orders(subject, {OrderKind::revoke}, std::nullopt, signed_at_s);
  REQUIRE(orders);
  CHECK(orders->front().groups.empty());
  CHECK(orders->front().expires_s > signed_at_s + int64_t{9} * 365 * 86400);
}

TEST_CASE("an order comes after the last one, though clocks differ, but not after any lie") {
  OrderSubject ahead = subject;
  ahead.last_serial = static_cast<uint64_t>(signed_at_s) + 30;
  CHECK(make_orders(ahead, {OrderKind::activate}, std::nullopt, signed_at_s)->front().serial ==
        1'800'000'031);
  ahead.last_serial = UINT64_MAX;
  CHECK_FALSE(make_orders(ahead, {OrderKind::activate}, std::nullopt, signed_at_s));
  ahead.info_hash = "x";
  CHECK_FALSE(make_orders(ahead, {OrderKind::activate}, std::nullopt, signed_at_s));
  CHECK_FALSE(make_orders(subject, {OrderKind::activate}, Duration::zero(), signed_at_s));
}

}  // namespace murder::cli
