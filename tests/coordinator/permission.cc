#include "coordinator/permission.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::coordinator;

namespace {

constexpr uint64_t asked_s = 1'800'000'000;

trust::Secret secret_of(uint8_t byte) {
  trust::Secret secret{};
  secret.fill(byte);
  return secret;
}

trust::FleetKeys keys_of(bool has_opener) {
  trust::FleetKeys keys;
  keys.fleet = {.secrets = {secret_of(1)}, .count = 1};
  if (has_opener) {
    keys.opener = {.secrets = {secret_of(2)}, .count = 1};
  }
  return keys;
}

// As it came from there, with the query of a signed target.
struct Asked {
  explicit Asked(const trust::TokenKeys* signer, const char* from = "192.0.2.7") {
    target = signer == nullptr ? "/control/rollout?app=shop"
                               : signer->signed_target("/control/rollout?app=shop", asked_s);
    const size_t mark = target.find('?');
    request.method = "POST";
    request.path = std::string_view(target).substr(0, mark);
    request.query = std::string_view(target).substr(mark + 1);
    request.remote = {.address = *IpAddress::parse(from), .port = 4000};
    request.local = {.address = *IpAddress::parse("192.0.2.1"), .port = 8998};
  }
  Asked(const Asked&) = delete;

  std::string target;
  http::Request request;
};

bool is_refused(const Asked& asked, Access access, const PermissionRules& rules) {
  return permission_of(asked.request, access, rules, asked_s).refusal.has_value();
}

}  // namespace

TEST_CASE("an open coordinator takes orders from its own host only, and shows itself to all") {
  CHECK(is_refused(Asked(nullptr), Access::order, {}));
  CHECK_FALSE(is_refused(Asked(nullptr), Access::read, {}));
  CHECK_FALSE(is_refused(Asked(nullptr), Access::agent, {}));
  for (const char* own : {"127.0.0.1", "127.9.8.7", "::1", "192.0.2.1"}) {
    CHECK_FALSE(is_refused(Asked(nullptr, own), Access::order, {}));
  }
  CHECK(permission_of(Asked(nullptr, "127.0.0.1").request, Access::order, {}, asked_s).proof ==
        "local");
  CHECK(is_refused(Asked(nullptr, "::2"), Access::order, {}));
}

TEST_CASE("the refusal says both ways out") {
  const Permission refused = permission_of(Asked(nullptr).request, Access::order, {}, asked_s);
  REQUIRE(refused.refusal);
  CHECK(refused.refusal->status == 403);
  CHECK(refused.refusal->body.find("new-operator") != std::string::npos);
  CHECK(refused.refusal->body.find("ssh") != std::string::npos);
}

TEST_CASE("an open coordinator that was told so takes orders from anywhere, and says from where") {
  const PermissionRules rules{.orders_from_anywhere = true};
  const Permission given = permission_of(Asked(nullptr).request, Access::order, rules, asked_s);
  CHECK_FALSE(given.refusal);
  CHECK(given.proof == "192.0.2.7");
}

TEST_CASE("a web page gives no orders, from wherever its browser runs") {
  Asked asked(nullptr, "127.0.0.1");
  asked.request.origin = "http://example.org";
  CHECK(is_refused(asked, Access::order, {.orders_from_anywhere = true}));
  CHECK_FALSE(is_refused(asked, Access::read, {}));
  const trust::TokenKeys all(keys_of(true));
  Asked signed_one(&all);
  CHECK_FALSE(is_refused(signed_one, Access::order, {.keys = &all}));
  signed_one.request.origin = "http://example.org";
  CHECK(is_refused(signed_one, Access::order, {.keys = &all}));
}

TEST_CASE("a closed coordinator takes orders by the operator's key") {
  const trust::TokenKeys all(keys_of(true));
  const trust::TokenKeys member(keys_of(false));
  const PermissionRules rules{.keys = &all};
  const Permission given = permission_of(Asked(&all).request, Access::order, rules, asked_s);
  CHECK_FALSE(given.refusal);
  CHECK(given.proof == "operator key");
  CHECK(is_refused(Asked(&member), Access::order, rules));
  CHECK_FALSE(is_refused(Asked(&member), Access::agent, rules));
  CHECK_FALSE(is_refused(Asked(&member), Access::read, rules));
  SUBCASE("without one whoever has the fleet's key is an operator") {
    const Permission by_member =
        permission_of(Asked(&member).request, Access::order, {.keys = &member}, asked_s);
    CHECK_FALSE(by_member.refusal);
    CHECK(by_member.proof == "fleet key");
  }
}

TEST_CASE("a closed coordinator tells strangers nothing, also those of its own host") {
  const trust::TokenKeys all(keys_of(true));
  const PermissionRules rules{.keys = &all, .orders_from_anywhere = true};
  for (const Access access : {Access::agent, Access::read, Access::order}) {
    for (const char* from : {"192.0.2.7", "127.0.0.1"}) {
      for (const char* origin : {"", "http://example.org"}) {
        Asked asked(nullptr, from);
        asked.request.origin = origin;
        const Permission refused = permission_of(asked.request, access, rules, asked_s);
        REQUIRE(refused.refusal);
        CHECK(refused.refusal->status == 403);
        CHECK(refused.refusal->body == "forbidden\n");
      }
    }
  }
}

TEST_CASE("a viewer's key shows, and orders nothing") {
  const trust::TokenKeys all(keys_of(true));
  const PermissionRules rules{.keys = &all};
  const std::string key =
      trust::key_text(trust::KeyKind::viewer, trust::viewer_secret(secret_of(1)));
  Asked asked(nullptr);
  const std::string header = "Bearer " + key;
  asked.request.authorization = header;
  CHECK_FALSE(is_refused(asked, Access::read, rules));
  CHECK(is_refused(asked, Access::order, rules));
  CHECK(is_refused(asked, Access::agent, rules));
  Asked by_query(nullptr);
  const std::string query = "app=shop&viewer=" + key;
  by_query.request.query = query;
  CHECK_FALSE(is_refused(by_query, Access::read, rules));
}

TEST_CASE("a member whose clock is wrong is told the time") {
  const trust::TokenKeys all(keys_of(true));
  const Permission refused = permission_of(Asked(&all).request, Access::order, {.keys = &all},
                                           asked_s + 2 * limits::token_skew_s_max);
  REQUIRE(refused.refusal);
  CHECK(refused.refusal->body.starts_with("clock "));
}

TEST_CASE("who asked is what was proven, and what he says of himself") {
  CHECK(name_of_asker("local", "").value() == "local");
  CHECK(name_of_asker("operator key", "mike@laptop").value() == "operator key: mike@laptop");
  CHECK_FALSE(name_of_asker("local", "a\nb"));
  CHECK_FALSE(name_of_asker("local", std::string(200, 'x')));
}
