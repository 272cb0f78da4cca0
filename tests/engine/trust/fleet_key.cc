#include "engine/trust/fleet_key.h"

#include <doctest/doctest.h>

#include <string>

using namespace murder;
using namespace murder::trust;

namespace {

Secret secret(uint8_t from) {
  Secret made{};
  for (uint8_t& byte : made) {
    byte = from++;
  }
  return made;
}

std::string fleet_line(uint8_t from) {
  return key_text(KeyKind::fleet, secret(from)) + "\n";
}

}  // namespace

TEST_CASE("a key is one line of this form, for all versions to come") {
  CHECK(key_text(KeyKind::fleet, secret(0)) ==
        "murder-fleet-1-"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f-31878b33");
}

TEST_CASE("what is written as a key is read as the same") {
  for (const KeyKind kind : {KeyKind::fleet, KeyKind::opener, KeyKind::viewer}) {
    const Result<TypedKey> key = parse_key(key_text(kind, secret(7)));
    REQUIRE(key);
    CHECK(key->kind == kind);
    CHECK(key->secret == secret(7));
  }
}

TEST_CASE("a key with any character changed, missing or added is refused, and not repeated") {
  const std::string text = key_text(KeyKind::fleet, secret(160));
  for (size_t index = 0; index < text.size(); ++index) {
    std::string changed = text;
    changed[index] = changed[index] == '1' ? '2' : '1';
    std::string shorter = text;
    shorter.erase(index, 1);
    std::string longer = text;
    longer.insert(index, 1, 'a');
    for (const std::string& each : {changed, shorter, longer}) {
      const Result<TypedKey> key = parse_key(each);
      REQUIRE(!key);
      CHECK(key.error().text.find(text.substr(20, 16)) == std::string::npos);
    }
  }
  CHECK(!parse_key(text + "\n"));
  CHECK(!parse_key(""));
}

TEST_CASE("a later version is told from damage") {
  const Result<TypedKey> key = parse_key("murder-fleet-2-whatever");
  REQUIRE(!key);
  CHECK(key.error().code == ErrorCode::unsupported);
}

TEST_CASE("a file has one or two fleet keys, of which the first is used for making") {
  const Result<FleetKeys> one = parse_fleet_keys(fleet_line(1), "f");
  REQUIRE(one);
  CHECK(one->fleet.count == 1);
  CHECK(one->opener.empty());
  const Result<FleetKeys> two =
      parse_fleet_keys("# new\r\n\n  " + fleet_line(2) + "\t# old\n" + fleet_line(1), "f");
  REQUIRE(two);
  CHECK(two->fleet.count == 2);
  CHECK(two->fleet.first() == secret(2));
  CHECK(two->fleet.all()[1] == secret(1));
}

TEST_CASE("the last line needs no end") {
  const Result<FleetKeys> keys = parse_fleet_keys(key_text(KeyKind::fleet, secret(1)), "f");
  REQUIRE(keys);
  CHECK(keys->fleet.count == 1);
}

TEST_CASE("operator keys are kept apart from fleet keys") {
  const Result<FleetKeys> keys = parse_fleet_keys(
      key_text(KeyKind::opener, secret(9)) + "\n" + fleet_line(1) + fleet_line(2), "f");
  REQUIRE(keys);
  CHECK(keys->fleet.count == 2);
  REQUIRE(keys->opener.count == 1);
  CHECK(keys->opener.first() == secret(9));
}

TEST_CASE("what is wrong in a file is named with its line") {
  const auto error = [](const std::string& text) {
    const Result<FleetKeys> keys = parse_fleet_keys(text, "/k");
    return keys ? std::string("no error") : keys.error().text;
  };
  CHECK(error("").find("/k has no fleet key") == 0);
  CHECK(error("# nothing\n").find("/k has no fleet key") == 0);
  CHECK(error(key_text(KeyKind::opener, secret(1))).find("/k has no fleet key") == 0);
  CHECK(error(fleet_line(1) + "hello\n").find("/k, line 2: not a key") == 0);
  CHECK(error(fleet_line(1) + fleet_line(1)).find("/k, line 2: this key is there twice") == 0);
  CHECK(error(fleet_line(1) + fleet_line(2) + fleet_line(3)).find("/k, line 3: a third fleet") ==
        0);
  CHECK(
      error(fleet_line(1) + key_text(KeyKind::viewer, secret(1))).find("/k, line 2: a viewer's") ==
      0);
  CHECK(error(std::string(limits::fleet_key_file_bytes_max + 1, '\n')).find("too large") !=
        std::string::npos);
}

TEST_CASE("a viewer's key is no fleet key, and of two fleets not the same") {
  CHECK(viewer_secret(secret(1)) != secret(1));
  CHECK(viewer_secret(secret(1)) != viewer_secret(secret(2)));
}

TEST_CASE("an operator may have his key alone, or a viewer's key, and no fleet key") {
  const auto parse = [](const std::string& text) { return parse_operator_keys(text, "/k"); };
  const std::string opener = key_text(KeyKind::opener, secret(9));
  const std::string viewer = key_text(KeyKind::viewer, secret(3));
  const Result<OperatorKeys> alone = parse(opener + "\n");
  REQUIRE(alone);
  REQUIRE(alone->keys);
  CHECK(alone->keys->opener.first() == secret(9));
  CHECK(alone->keys->fleet.empty());
  CHECK(alone->viewer_key.empty());
  const Result<OperatorKeys> looks = parse("# to look\n" + viewer);
  REQUIRE(looks);
  CHECK(!looks->keys);
  CHECK(looks->viewer_key == viewer);
  const Result<OperatorKeys> all = parse(fleet_line(1) + opener + "\n" + viewer);
  REQUIRE(all);
  CHECK(all->keys->fleet.first() == secret(1));
  CHECK(all->viewer_key == viewer);
  CHECK(parse("# none\n").error().text.find("/k has no key") == 0);
  CHECK(parse(opener + "\n\nx\n").error().text.find("/k, line 3: not a key") == 0);
}

TEST_CASE("a key file may say that the fleet speaks TLS, and nothing else of the transport") {
  const std::string key = key_text(KeyKind::fleet, Secret{}) + "\n";
  CHECK(!parse_fleet_keys(key, "FILE")->has_tls);
  CHECK(parse_fleet_keys(key + "transport tls", "FILE")->has_tls);
  CHECK(parse_fleet_keys(" transport tls # for all hosts\n" + key, "FILE")->has_tls);
  for (const char* line : {"transport plain", "transport", "transport  tls", "transport tls 1.3",
                           "Transport tls", "tls"}) {
    CAPTURE(line);
    CHECK(!parse_fleet_keys(key + line, "FILE"));
  }
  CHECK(!parse_fleet_keys("transport tls", "FILE"));  // a key is wanted as well
}
