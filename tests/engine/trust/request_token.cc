#include "engine/trust/request_token.h"

#include <doctest/doctest.h>

#include <string>

#include "../../fleet_secrets.h"

using namespace murder;
using namespace murder::trust;
using murder::test::fleet_keys_of;

namespace {

constexpr uint64_t now_s = 1'764'400'000;

Right right_at(const TokenKeys& keys, const std::string& target, uint64_t at_s = now_s) {
  const size_t query_at = target.find('?');
  return keys.right_of(target.substr(0, query_at), target.substr(query_at + 1), at_s);
}

}  // namespace

TEST_CASE("a member's token is one, whether there are other parameters or not") {
  const TokenKeys keys(fleet_keys_of({1}));
  CHECK(right_at(keys, keys.signed_target("/announce?port=1&left=0", now_s)) == Right::member);
  CHECK(right_at(keys, keys.signed_target("/status.json", now_s)) == Right::member);
}

TEST_CASE("a token holds for its path, all parameters before it, and their order") {
  const TokenKeys keys(fleet_keys_of({1}));
  const std::string target = keys.signed_target("/announce?port=1&left=0", now_s);
  for (size_t index = 0; index < target.size(); ++index) {
    std::string changed = target;
    changed[index] = static_cast<char>(changed[index] ^ 1);
    if (changed.find('?') == target.find('?')) {
      CHECK(right_at(keys, changed) == Right::none);
    }
  }
  CHECK(right_at(keys, target + "&left=1") == Right::none);
  CHECK(right_at(keys, target + "0") == Right::none);
  const std::string token = target.substr(target.find("token="));
  CHECK(right_at(keys, "/announce?left=0&port=1&" + token) == Right::none);
  CHECK(right_at(keys, "/announce?" + token) == Right::none);
  CHECK(right_at(keys, "/scrape?port=1&left=0&" + token) == Right::none);
}

TEST_CASE("what is no token gives no right") {
  const TokenKeys keys(fleet_keys_of({1}));
  for (const std::string query :
       {"", "token=", "token=-", "token=1-", "token=1764400000", "xtoken=1764400000-0",
        "token=99999999999999999999-00000000000000000000000000000000",
        "token=+764400000-00000000000000000000000000000000", "a&token"}) {
    CHECK(right_at(keys, "/?" + query) == Right::none);
  }
}

TEST_CASE("a token is valid for five minutes before and after its time") {
  const TokenKeys keys(fleet_keys_of({1}));
  const std::string target = keys.signed_target("/announce?port=1", now_s);
  CHECK(right_at(keys, target, now_s + 300) == Right::member);
  CHECK(right_at(keys, target, now_s - 300) == Right::member);
  CHECK(right_at(keys, target, now_s + 301) == Right::stale);
  CHECK(right_at(keys, target, now_s - 301) == Right::stale);
  CHECK(right_at(keys, target, 0) == Right::stale);
}

TEST_CASE("who has another fleet's key is nobody, and both keys are checked while two are valid") {
  const std::string of_old = TokenKeys(fleet_keys_of({1})).signed_target("/?a", now_s);
  const std::string of_both = TokenKeys(fleet_keys_of({2, 1})).signed_target("/?a", now_s);
  CHECK(right_at(TokenKeys(fleet_keys_of({2})), of_old) == Right::none);
  CHECK(right_at(TokenKeys(fleet_keys_of({2, 1})), of_old) == Right::member);
  CHECK(right_at(TokenKeys(fleet_keys_of({2})), of_both) == Right::member);
  CHECK(right_at(TokenKeys(fleet_keys_of({1})), of_both) == Right::none);
}

TEST_CASE("an operator's token is told from a member's, and is made where there is a key for it") {
  const TokenKeys both(fleet_keys_of({1}, {7}));
  const TokenKeys member(fleet_keys_of({1}));
  CHECK(right_at(both, both.signed_target("/?a", now_s)) == Right::opener);
  CHECK(right_at(both, member.signed_target("/?a", now_s)) == Right::member);
  CHECK(both.has_opener());
  CHECK(!member.has_opener());
  // A fleet key that is used as an operator's.
  CHECK(right_at(both, TokenKeys(fleet_keys_of({9}, {1})).signed_target("/?a", now_s)) ==
        Right::none);
}

TEST_CASE("who is stale is told the time, for its own request alone") {
  const TokenKeys keys(fleet_keys_of({1, 2}, {}));
  const TokenKeys old(fleet_keys_of({2}));
  const std::string target = old.signed_target("/announce?port=1", now_s);
  const size_t query_at = target.find('?') + 1;
  const std::string reply = keys.clock_reply("/announce", target.substr(query_at), now_s + 5000);
  CHECK(old.told_time(target, reply) == now_s + 5000);
  CHECK(!old.told_time(old.signed_target("/announce?port=1", now_s + 1), reply));
  CHECK(!old.told_time(old.signed_target("/announce?port=2", now_s), reply));
  CHECK(!TokenKeys(fleet_keys_of({3})).told_time(target, reply));
  for (size_t index = 0; index < reply.size(); ++index) {
    std::string changed = reply;
    changed[index] = static_cast<char>(changed[index] ^ 1);
    CHECK(!old.told_time(target, changed));
  }
  CHECK(!old.told_time(target, ""));
  CHECK(keys.clock_reply("/announce", "port=1", now_s).empty());
}

TEST_CASE("a viewer's key is that of one of the fleet keys") {
  const FleetKeys both = fleet_keys_of({1, 2});
  const TokenKeys keys(both);
  for (const Secret& secret : both.fleet.all()) {
    CHECK(keys.is_viewer_key(key_text(KeyKind::viewer, viewer_secret(secret))));
    CHECK(!keys.is_viewer_key(key_text(KeyKind::fleet, viewer_secret(secret))));
    CHECK(!keys.is_viewer_key(key_text(KeyKind::viewer, secret)));
    CHECK(!keys.is_viewer_key(key_text(KeyKind::fleet, secret)));
  }
  CHECK(!keys.is_viewer_key(""));
}
