#include "tracker/service_deploy_keys.h"

#include <doctest/doctest.h>

#include <string>

#include "../fleet_secrets.h"
#include "tracker/bounds.h"

using namespace murder;
using namespace murder::tracker;
using test::secret_of;
using namespace std::chrono_literals;

namespace {

constexpr uint64_t now_s = 1'764'400'000;

bool knows(DeployKeys& keys, uint8_t fill, Instant now = {}) {
  const trust::TokenKeys tokens(test::fleet_keys_of({fill}));
  const std::string target = tokens.signed_target("/announce?a=1", now_s);
  const size_t query_at = target.find('?');
  return keys.find(target.substr(0, query_at), target.substr(query_at + 1), now_s, now).key !=
         nullptr;
}

InfoHash hash_of(uint8_t fill) {
  InfoHash info_hash;
  info_hash.bytes.fill(fill);
  return info_hash;
}

}  // namespace

TEST_CASE("a key is there from a deploy's beginning to its end") {
  DeployKeys keys;
  CHECK_FALSE(knows(keys, 1));
  REQUIRE(keys.add("a", secret_of(1), {}));
  REQUIRE(keys.add("a", secret_of(1), {}));
  CHECK(knows(keys, 1));
  CHECK_FALSE(knows(keys, 2));
  // It takes over the key of a seeder that another one left.
  REQUIRE(keys.add("a", secret_of(2), {}));
  CHECK_FALSE(knows(keys, 1));
  CHECK(knows(keys, 2));
  keys.remove("b");
  CHECK(knows(keys, 2));
  keys.remove("a");
  CHECK(keys.size() == 0);
}

TEST_CASE("the last of several deploys with one key takes it away") {
  DeployKeys keys;
  REQUIRE(keys.add("a", secret_of(1), {}));
  REQUIRE(keys.add("b", secret_of(1), {}));
  CHECK(keys.size() == 1);
  keys.remove("a");
  CHECK(knows(keys, 1));
  keys.remove("b");
  CHECK_FALSE(knows(keys, 1));
}

TEST_CASE("there are so many keys at most, and one that nobody uses makes room") {
  DeployKeys keys;
  for (size_t index = 0; index < limits::deploy_keys_max; ++index) {
    REQUIRE(keys.add(std::to_string(index), secret_of(static_cast<uint8_t>(index)), {}));
  }
  const Status full = keys.add("late", secret_of(200), {});
  REQUIRE_FALSE(full);
  CHECK(full.error().code == ErrorCode::limit);
  const Instant later = Instant{} + limits::deploy_key_kept;
  CHECK(knows(keys, 3, later));
  CHECK(keys.add("late", secret_of(200), later));
  CHECK(knows(keys, 3, later));
  CHECK_FALSE(knows(keys, 4, later));
  for (size_t index = 1; index < limits::deploy_key_users_max; ++index) {
    REQUIRE(keys.add("user" + std::to_string(index), secret_of(3), later));
  }
  CHECK_FALSE(keys.add("one too many", secret_of(3), later));
}

TEST_CASE("a release is of the key that claimed it last among a bounded number") {
  DeployKeys keys;
  REQUIRE(keys.add("a", secret_of(1), {}));
  const trust::TokenKeys tokens(test::fleet_keys_of({1}));
  const std::string target = tokens.signed_target("/announce?a=1", now_s);
  DeployKeys::Key* key = keys.find("/announce", target.substr(target.find('?') + 1), now_s, {}).key;
  REQUIRE(key != nullptr);
  for (uint8_t fill = 1; fill <= limits::deploy_key_releases_max; ++fill) {
    DeployKeys::claim(*key, hash_of(fill));
    DeployKeys::claim(*key, hash_of(fill));
  }
  CHECK(keys.owner_of(hash_of(1)) == key);
  DeployKeys::claim(*key, hash_of(100));
  CHECK(keys.owner_of(hash_of(1)) == nullptr);
  CHECK(keys.owner_of(hash_of(2)) == key);
  CHECK(keys.owner_of(hash_of(100)) == key);
}
