#include "agent/order_guard.h"

#include <doctest/doctest.h>

#include "../temporary_directory.h"
#include "engine/base/small_file.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/key_line.h"
#include "engine/trust/signature_file.h"

using namespace murder;
using namespace murder::agent;
using control::KeptAgent;
using control::KeptApp;
using control::Wanted;
using control::WantedApp;
using trust::OrderKind;
using trust::OrderStatement;

namespace {

constexpr int64_t now_s = 1'800'000'000;

InfoHash guarded(uint8_t number) {
  InfoHash hash;
  hash.bytes[0] = number;
  return hash;
}

trust::AgentKey key_of(uint8_t number) {
  trust::Secret seed{};
  seed[0] = number;
  return trust::agent_key_of(seed).value();
}

OrderStatement order_of(OrderKind kind, uint8_t number, uint64_t serial) {
  return {.kind = kind,
          .application = "shop",
          .tag = "v" + std::to_string(number),
          .info_hash = guarded(number),
          .groups = {},
          .hosts = {},
          .serial = serial,
          .time_s = now_s,
          .expires_s = now_s + 100};
}

std::string signed_by(const trust::AgentKey& key, const OrderStatement& order,
                      std::string_view name_space = trust::order_namespace) {
  const std::string text = trust::encode_order(order);
  return trust::encode_signature_file(
      {.text = text, .signatures = {trust::sign_text(key, name_space, text).value()}});
}

// A host that runs release 1, and trusts the key 1 of operators.
struct GuardBench {
  GuardBench() {
    trust_key(1);
    KeptApp app{.app = "shop"};
    app.active = {.info_hash = guarded(1), .serial = 1};
    kept.apps = {app};
    open();
  }
  void trust_key(uint8_t number, const std::string& namespaces = "murder-order") {
    write_signers("ann namespaces=\"" + namespaces + "\" " +
                  trust::key_line_of(key_of(number).public_key) + "\n");
  }
  void write_signers(const std::string& text) {
    REQUIRE(write_small_file(directory / "allowed_signers", text, false));
  }
  void open() {
    Result<OrderGuard> opened = OrderGuard::open({.allowed_signers = directory / "allowed_signers",
                                                  .marks_path = directory / "orders",
                                                  .host = "w1",
                                                  .groups = {"web"},
                                                  .apps = {"shop"}});
    REQUIRE(opened);
    guard.emplace(std::move(*opened));
  }
  std::string take(OrderKind kind, uint8_t number, uint64_t serial) {
    return guard->take(signed_by(key_of(1), order_of(kind, number, serial)), now_s);
  }
  WantedApp wants(uint8_t number, bool activate = true, int64_t at_s = now_s) {
    Wanted wanted;
    wanted.apps = {{.app = "shop",
                    .release = guarded(number),
                    .attempt = 5,
                    .activate = activate,
                    .allow_older = true,
                    .revoked = {guarded(9)}}};
    guard->restrict_wanted(wanted, kept, at_s);
    return wanted.apps.front();
  }
  // Empty: it may be activated.
  std::string why_not(uint8_t number, int64_t at_s = now_s) {
    const WantedApp wanted = wants(number, true, at_s);
    CHECK(wanted.activate == wanted.refusal.empty());
    return wanted.refusal;
  }
  KeptApp& app() { return kept.apps.front(); }

  TemporaryDirectory directory;
  KeptAgent kept;
  std::optional<OrderGuard> guard;
};

bool contains(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a host whose signers are not named for orders demands none") {
  GuardBench bench;
  bench.trust_key(1, "murder-release");
  bench.guard->read_signers();
  CHECK_FALSE(bench.guard->demands_orders());
  CHECK(bench.why_not(2) == "");
  CHECK(bench.wants(2).revoked == std::vector{guarded(9)});
  bench.write_signers("ann " + trust::key_line_of(key_of(1).public_key) + "\n");
  bench.guard->read_signers();
  CHECK_FALSE(bench.guard->demands_orders());
  // A line that is not understood demands them nevertheless, and a file that cannot be used.
  bench.write_signers("ann namespaces=\"murder-order\" ssh-newer AAAA\n");
  bench.guard->read_signers();
  CHECK(bench.guard->demands_orders());
  CHECK(bench.why_not(2) != "");
  bench.write_signers("# murder: require = many\n");
  bench.guard->read_signers();
  CHECK(bench.guard->demands_orders());
  CHECK(contains(bench.why_not(2), "require"));
}

TEST_CASE("nothing is fetched, activated or revoked without an order") {
  GuardBench bench;
  CHECK(contains(bench.why_not(2), "demands signed orders"));
  const WantedApp fetched = bench.wants(2, false);
  CHECK(fetched.refusal != "");
  CHECK(fetched.revoked.empty());
  // What runs is let be.
  CHECK(bench.wants(1, false).refusal == "");
  CHECK(bench.why_not(1) != "");
}

TEST_CASE("an order to activate lets the release be fetched and activated until it expires") {
  GuardBench bench;
  REQUIRE(bench.take(OrderKind::activate, 2, 10) == "");
  CHECK(bench.why_not(2) == "");
  CHECK(bench.wants(2, false).refusal == "");
  CHECK_FALSE(bench.wants(2).allow_older);
  CHECK(contains(bench.why_not(3), "shop v2, another release"));
  CHECK(bench.why_not(2, now_s + 100) == "");
  CHECK(contains(bench.why_not(2, now_s + 101), "expired"));
  REQUIRE(bench.take(OrderKind::roll_back, 3, 11) == "");
  CHECK(bench.wants(3).allow_older);
  REQUIRE(bench.take(OrderKind::want, 3, 12) == "");
  CHECK(bench.wants(3, false).refusal == "");
  CHECK(contains(bench.why_not(3), "not to activate"));
}

TEST_CASE("what is expired, replayed, for others or of others is refused, and said why") {
  GuardBench bench;
  const std::string first = signed_by(key_of(1), order_of(OrderKind::activate, 2, 10));
  CHECK(contains(bench.guard->take(first, now_s + 101), "expired"));
  CHECK(contains(bench.why_not(2), "expired"));
  REQUIRE(bench.guard->take(first, now_s) == "");
  REQUIRE(bench.guard->take(first, now_s) == "");  // again, as on another connection
  REQUIRE(bench.take(OrderKind::activate, 3, 11) == "");
  CHECK(contains(bench.guard->take(first, now_s), "came already"));
  CHECK(contains(bench.why_not(2), "came already"));
  CHECK(bench.why_not(3) == "");
  OrderStatement others = order_of(OrderKind::activate, 4, 12);
  others.groups = {"db"};
  CHECK(contains(bench.guard->take(signed_by(key_of(1), others), now_s), "other hosts"));
  others.hosts = {"w1"};
  CHECK(bench.guard->take(signed_by(key_of(1), others), now_s) == "");
  CHECK(bench.why_not(4) == "");
  // By nobody, by somebody else, for something else, and about another app.
  OrderStatement next = order_of(OrderKind::activate, 5, 13);
  CHECK(bench.guard->take(signed_by(key_of(2), next), now_s) != "");
  CHECK(bench.guard->take(signed_by(key_of(1), next, "murder-release"), now_s) != "");
  CHECK(bench.guard->take(trust::encode_order(next), now_s) != "");
  CHECK(bench.guard->take("murder", now_s) != "");
  next.application = "blog";
  CHECK(bench.guard->take(signed_by(key_of(1), next), now_s) == "");
  CHECK(contains(bench.why_not(5), "shop v4, another release"));
}

TEST_CASE("an order to go back leads to what ran before, and nowhere else") {
  GuardBench bench;
  bench.app().active = {.info_hash = guarded(2), .serial = 2};
  bench.app().previous = {.info_hash = guarded(1), .serial = 1};
  REQUIRE(bench.take(OrderKind::activate, 2, 10) == "");
  CHECK(bench.why_not(1) != "");
  REQUIRE(bench.take(OrderKind::go_back, 2, 11) == "");
  CHECK(bench.why_not(1) == "");
  CHECK(bench.wants(1).allow_older);
  CHECK(contains(bench.why_not(3), "another release"));
  CHECK(bench.why_not(2) == "");  // it runs that
  // It is back: told once more, and another way is none.
  bench.app().active = {.info_hash = guarded(1), .serial = 1};
  bench.app().previous.reset();
  CHECK(bench.why_not(1) == "");
  CHECK(contains(bench.why_not(2), "does not run"));
  // Also from what is revoked.
  REQUIRE(bench.take(OrderKind::revoke, 2, 12) == "");
  REQUIRE(bench.take(OrderKind::go_back, 2, 13) == "");
}

TEST_CASE("a revocation counts whenever it comes, and leaves the latest order as it is") {
  GuardBench bench;
  REQUIRE(bench.take(OrderKind::activate, 2, 10) == "");
  REQUIRE(bench.take(OrderKind::revoke, 3, 12) == "");
  REQUIRE(bench.take(OrderKind::revoke, 4, 11) == "");
  CHECK(bench.wants(2).revoked == std::vector{guarded(4), guarded(3)});
  CHECK(bench.why_not(2) == "");
  CHECK(contains(bench.take(OrderKind::activate, 3, 13), "revoked"));
}

TEST_CASE("a host that begins again has forgotten no order") {
  GuardBench bench;
  REQUIRE(bench.take(OrderKind::activate, 2, 10) == "");
  REQUIRE(bench.take(OrderKind::revoke, 3, 12) == "");
  bench.open();
  CHECK(bench.wants(2).revoked == std::vector{guarded(3)});
  CHECK(bench.why_not(2) != "");  // until the coordinator says it again
  CHECK(contains(bench.take(OrderKind::activate, 2, 9), "came already"));
  CHECK(bench.take(OrderKind::activate, 2, 10) == "");
  CHECK(bench.why_not(2) == "");
  REQUIRE(write_small_file(bench.directory / "orders", "murder-order-marks 2\n", false));
  CHECK_FALSE(OrderGuard::open({.allowed_signers = bench.directory / "allowed_signers",
                                .marks_path = bench.directory / "orders",
                                .host = "w1",
                                .groups = {},
                                .apps = {"shop"}}));
}

TEST_CASE(
    "who is not trusted any more has ordered nothing, and what cannot be remembered neither") {
  GuardBench bench;
  REQUIRE(bench.take(OrderKind::activate, 2, 10) == "");
  bench.trust_key(2);
  bench.guard->read_signers();
  CHECK(contains(bench.why_not(2), "no trusted key"));
  bench.trust_key(1);
  bench.guard->read_signers();
  CHECK(bench.why_not(2) == "");
  GuardBench other;
  Result<OrderGuard> nowhere =
      OrderGuard::open({.allowed_signers = other.directory / "allowed_signers",
                        .marks_path = other.directory / "no/orders",
                        .host = "w1",
                        .groups = {},
                        .apps = {"shop"}});
  REQUIRE(nowhere);
  CHECK(nowhere->take(signed_by(key_of(1), order_of(OrderKind::activate, 2, 10)), now_s) != "");
}
