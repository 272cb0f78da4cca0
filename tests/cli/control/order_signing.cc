#include "cli/control/order_signing.h"

#include <doctest/doctest.h>

#include "cli/control/rollout_orders.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/signature_file.h"

namespace murder::cli {
namespace {

using trust::OrderKind;

constexpr int64_t signed_at_s = 1'800'000'000;
const OrderSubject subject{.app = "shop",
                           .tag = "v2",
                           .info_hash = "7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70",
                           .last_serial = 5,
                           .groups = {"web", "eu", "web"}};

std::string signed_blob(const std::string& text) {
  const trust::AgentKey key = trust::agent_key_of(trust::Secret{}).value();
  return trust::sign_text(key, trust::order_namespace, text).value();
}

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

TEST_CASE("saved orders are those of the command, or are refused") {
  const auto orders = make_orders(subject, kinds_of_start(false, true), std::nullopt, signed_at_s);
  REQUIRE(orders);
  std::string text;
  for (const trust::OrderStatement& order : *orders) {
    text += trust::encode_signature_file({.text = trust::encode_order(order),
                                          .signatures = {signed_blob(trust::encode_order(order))}});
  }
  auto later = make_orders(subject, kinds_of_start(false, true), std::nullopt, signed_at_s + 60);
  REQUIRE(later);
  const auto read = read_saved_orders(text, *later, 5);
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  CHECK((*read)[0].text == trust::encode_order((*orders)[0]));
  CHECK((*read)[1].signatures.size() == 1);

  const auto refusal = [&](const std::vector<trust::OrderStatement>& expected, uint64_t last) {
    const auto refused = read_saved_orders(text, expected, last);
    return refused ? std::string() : refused.error().text;
  };
  CHECK(refusal({(*later)[0]}, 5).find("more than") != std::string::npos);
  CHECK(refusal({(*later)[1], (*later)[0]}, 5).find("not return") != std::string::npos);
  CHECK(refusal(*later, (*orders)[0].serial).find("given already") != std::string::npos);
  auto other = *later;
  other[1].info_hash.bytes[0] ^= 1;
  CHECK(refusal(other, 5).find("info hash") != std::string::npos);
  other = *later;
  other[0].groups = {"web"};
  CHECK(refusal(other, 5).find("for web") != std::string::npos);
  for (trust::OrderStatement& order : *later) {
    order.time_s += int64_t{8} * 86400;
    order.expires_s += int64_t{8} * 86400;
  }
  CHECK(refusal(*later, 5).find("expired") != std::string::npos);
  CHECK_FALSE(read_saved_orders("", *later, 5));
  CHECK_FALSE(read_saved_orders(text.substr(0, text.size() / 2), *orders, 5));
}

}  // namespace murder::cli
