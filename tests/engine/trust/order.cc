#include "engine/trust/order.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/trust/order_marks.h"
#include "engine/trust/signature_file.h"
#include "test_keys.h"

using namespace murder;
using namespace murder::trust;
using namespace murder::trust::test;

namespace {

constexpr std::string_view whole =
    "murder-order 1\n"
    "order activate\n"
    "application shop/eu\n"
    "tag v42\n"
    "info-hash 7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70\n"
    "group canary\n"
    "group web\n"
    "host db1\n"
    "host web7\n"
    "serial 1795969872\n"
    "time 2026-11-29T16:31:12Z\n"
    "expires 2026-11-30T16:31:12Z\n";
constexpr int64_t made_s = 1795969872;

int64_t no_local(const CivilTime& time) {
  return seconds_of_utc(time);
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(whole);
  REQUIRE(text.find(from) != std::string::npos);
  return text.replace(text.find(from), from.size(), to);
}

std::string refusal(const std::string& text) {
  const Result<OrderStatement> order = parse_order(text);
  return order ? "" : order.error().text;
}

AllowedSigners allowing(const TestKey& key, const std::string& options = "") {
  return *parse_allowed_signers("ann " + options + key.line() + "\n", no_local);
}

OrderStatement order_of(uint64_t serial, OrderKind kind = OrderKind::activate) {
  OrderStatement order = *parse_order(whole);
  order.serial = serial;
  order.kind = kind;
  return order;
}

}  // namespace

TEST_CASE("an order is read, and written as it was") {
  const Result<OrderStatement> order = parse_order(whole);
  REQUIRE(order);
  CHECK(order->kind == OrderKind::activate);
  CHECK(order->application == "shop/eu");
  CHECK(order->tag == "v42");
  CHECK(order->info_hash.hex() == "7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70");
  CHECK(order->groups == std::vector<std::string>{"canary", "web"});
  CHECK(order->hosts == std::vector<std::string>{"db1", "web7"});
  CHECK(order->serial == 1795969872);
  CHECK(order->time_s == made_s);
  CHECK(order->expires_s == made_s + 86400);
  CHECK(validate_order(*order));
  CHECK(encode_order(*order) == whole);
  for (const std::string_view kind : {"wanted", "roll-back", "revoke"}) {
    const std::string text = replaced("order activate", "order " + std::string(kind));
    REQUIRE(parse_order(text));
    CHECK(name_of(parse_order(text)->kind) == kind);
  }
}

TEST_CASE("an order has one spelling") {
  CHECK(refusal(replaced("murder-order 1", "murder-order 2")).find("another version") !=
        std::string::npos);
  CHECK(refusal(replaced("murder-order", "murder-release")) != "");
  CHECK(refusal(replaced("order activate", "order destroy")).find("kind") != std::string::npos);
  CHECK(refusal(replaced("order activate\n", "")).find("field order") != std::string::npos);
  CHECK(refusal(replaced("expires 2026-11-30T16:31:12Z\n", "")).find("field expires") !=
        std::string::npos);
  CHECK(refusal(replaced("application shop/eu\n", "")) != "");
  CHECK(refusal(replaced("group canary\ngroup web\n", "group web\ngroup canary\n")) != "");
  CHECK(refusal(replaced("group canary\n", "group web\n")) != "");
  CHECK(refusal(replaced("group canary\ngroup web\nhost db1\nhost web7\n",
                         "host db1\nhost web7\ngroup canary\ngroup web\n")) != "");
  CHECK(refusal(replaced("host db1", "host d b1")) != "");
  CHECK(refusal(replaced("host db1", "host ")) != "");
  CHECK(refusal(replaced("7c2f", "7C2f")) != "");
  CHECK(refusal(replaced("serial 1", "serial 01")) != "");
  CHECK(refusal(replaced("serial 1795969872", "serial 9223372036854775808")) != "");
  CHECK(refusal(replaced("expires 2026-11-30", "expires 2026-11-29")) != "");
  CHECK(refusal(std::string(whole) + "x\n") != "");
  CHECK(refusal(std::string(whole.substr(0, whole.size() - 1))) != "");
  CHECK(refusal("") != "");
  std::string hosts;
  for (int number = 100; number < 900; ++number) {
    hosts += "host x" + std::to_string(number) + "\n";
  }
  CHECK(refusal(replaced("host web7\n", hosts)) != "");
}

TEST_CASE("an order counts when a trusted key signed it for orders, and until it expires") {
  const TestKey ann(KeyType::ed25519);
  const TestKey bob(KeyType::ecdsa_p256);
  const std::string space(order_namespace);
  const codec::SignedStatement order{.text = std::string(whole),
                                     .signatures = {signature_blob(ann, whole, {}, {}, space)}};
  const Result<VerifiedOrder> verified = verify_order(order, allowing(ann), made_s);
  REQUIRE(verified);
  CHECK(verified->order == *parse_order(whole));
  CHECK(verified->signers.front().principal == "ann");
  CHECK(verify_order(order, allowing(ann), made_s + 86400));

  const auto why = [&](const codec::SignedStatement& each, const AllowedSigners& allowed,
                       int64_t now_s) { return verify_order(each, allowed, now_s).error(); };
  CHECK(why(order, allowing(ann), made_s + 86401).text ==
        "the order expired at 2026-11-30T16:31:12Z");
  CHECK(why(order, allowing(bob), made_s).code == ErrorCode::untrusted);
  // Who may sign releases may not give orders.
  CHECK(why(order, allowing(ann, "namespaces=\"murder-release\" "), made_s).code ==
        ErrorCode::untrusted);
  codec::SignedStatement other = order;
  other.signatures = {signature_blob(ann, whole, {}, {}, "murder-release")};
  CHECK(why(other, allowing(ann), made_s).text.find("for murder-release") != std::string::npos);
  other = order;
  other.text = replaced("tag v42", "tag v43");
  CHECK(why(other, allowing(ann), made_s).code == ErrorCode::untrusted);
  other.signatures.clear();
  CHECK(why(other, allowing(ann), made_s).code == ErrorCode::untrusted);
  AllowedSigners two = allowing(ann);
  two.required = 2;
  CHECK(why(order, two, made_s).text.find("1 of 2") != std::string::npos);
  // As it travels.
  CHECK(parse_signature_file(encode_signature_file(order)) == order);
}

TEST_CASE("an order is for hosts that it names, hosts of its groups, or all") {
  const OrderStatement order = *parse_order(whole);
  const std::vector<std::string> none;
  const std::vector<std::string> web = {"rack2", "web"};
  const std::vector<std::string> other = {"webs"};
  CHECK(is_for(order, {.host = "web7", .groups = none}));
  CHECK(is_for(order, {.host = "db1", .groups = other}));
  CHECK(is_for(order, {.host = "web9", .groups = web}));
  CHECK_FALSE(is_for(order, {.host = "web9", .groups = other}));
  CHECK_FALSE(is_for(order, {.host = "canary", .groups = none}));
  OrderStatement all = order;
  all.groups.clear();
  CHECK_FALSE(is_for(all, {.host = "web9", .groups = web}));
  all.hosts.clear();
  CHECK(is_for(all, {.host = "web9", .groups = none}));
}

TEST_CASE("an older order does nothing, the latest one again does no harm") {
  OrderMarks marks;
  CHECK(marks.admit(order_of(5)).value());
  CHECK_FALSE(marks.admit(order_of(5)).value());
  CHECK(marks.admit(order_of(4)).error().code == ErrorCode::untrusted);
  // Another order of the same serial.
  CHECK(marks.admit(order_of(5, OrderKind::want)).error().code == ErrorCode::untrusted);
  CHECK(marks.admit(order_of(6, OrderKind::roll_back)).value());
  CHECK(marks.serial_of("shop/eu") == 6);
  OrderStatement other = order_of(1);
  other.application = "mail";
  CHECK(marks.admit(other).value());
  CHECK(marks.serial_of("mail") == 1);
  CHECK(marks.serial_of("shop/eu") == 6);
}

TEST_CASE("what was revoked stays so, whatever is ordered later") {
  OrderMarks marks;
  const InfoHash info_hash = order_of(1).info_hash;
  REQUIRE(marks.admit(order_of(7, OrderKind::revoke)).value());
  CHECK(marks.is_revoked("shop/eu", info_hash));
  CHECK_FALSE(marks.is_revoked("mail", info_hash));
  CHECK(marks.admit(order_of(8)).error().text == "release v42 of shop/eu was revoked");
  CHECK(marks.serial_of("shop/eu") == 7);
  OrderStatement other = order_of(8);
  other.info_hash.bytes[0] ^= 1U;
  CHECK(marks.admit(other).value());
  CHECK(marks.is_revoked("shop/eu", info_hash));

  const Result<OrderMarks> again = OrderMarks::parse(marks.text());
  REQUIRE(again);
  CHECK(*again == marks);
  CHECK(again->is_revoked("shop/eu", info_hash));
  CHECK_FALSE(OrderMarks(*again).admit(order_of(8)));
}

TEST_CASE("marks that are damaged are not taken for fewer marks") {
  OrderMarks marks;
  REQUIRE(marks.admit(order_of(7, OrderKind::revoke)).value());
  const std::string text = marks.text();
  CHECK_FALSE(OrderMarks::parse(""));
  for (size_t size = 1; size < text.size(); ++size) {
    const Result<OrderMarks> cut = OrderMarks::parse(text.substr(0, size));
    // What ends behind a whole line of a list cannot be told from a shorter list.
    if (text[size - 1] != '\n') {
      CHECK_FALSE(cut);
    }
  }
  const std::string body = text.substr(text.find('\n') + 1);
  CHECK_FALSE(OrderMarks::parse(text + body));
}
