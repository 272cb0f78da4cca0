#include "cli/commands/doctor/fleet_key_checks.h"

#include <doctest/doctest.h>

#include "../../../fleet_secrets.h"

using namespace murder;
using namespace murder::cli;

namespace {

FleetKeyFacts facts_of(const trust::FleetKeys& keys) {
  return {.path = "/etc/murder/fleet.key", .keys = std::optional(keys)};
}

}  // namespace

TEST_CASE("a host without a fleet key is not broken, and one whose key cannot be used is") {
  const Finding none = check_fleet_key({.path = "/etc/murder/fleet.key"});
  CHECK(none.grade == Grade::ok);
  CHECK(none.text.find("there is no /etc/murder/fleet.key") != std::string::npos);
  const Finding broken = check_fleet_key(
      {.path = "/etc/murder/fleet.key", .keys = fail(ErrorCode::permission, "others may read it")});
  CHECK(broken.grade == Grade::broken);
  CHECK(broken.text.starts_with("others may read it"));
}

TEST_CASE("keys of two hosts can be compared, and are not shown") {
  const trust::FleetKeys keys = test::fleet_keys_of({1});
  const std::string key = trust::key_text(trust::KeyKind::fleet, test::secret_of(1));
  const Finding one = check_fleet_key(facts_of(keys));
  CHECK(one.grade == Grade::ok);
  CHECK(one.text.find(key.substr(key.rfind('-'))) != std::string::npos);
  CHECK(one.text.find("0101010101") == std::string::npos);
  CHECK(one.text.find("operator") == std::string::npos);
  CHECK(one.text != check_fleet_key(facts_of(test::fleet_keys_of({2}))).text);
  const Finding two = check_fleet_key(facts_of(test::fleet_keys_of({1, 2}, {3})));
  CHECK(two.text.find("is being replaced") != std::string::npos);
  CHECK(two.text.ends_with("with an operator key"));
}
