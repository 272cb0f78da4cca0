#include "engine/host/fleet_key_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "../../fleet_secrets.h"
#include "../../temporary_directory.h"
#include "engine/base/small_file.h"

using namespace murder;

namespace {

std::string key_line(uint8_t fill) {
  return trust::key_text(trust::KeyKind::fleet, test::secret_of(fill)) + "\n";
}

// The variable for the time of a test.
class KeyVariable {
 public:
  explicit KeyVariable(const std::string& path) {
    ::setenv(host::fleet_key_variable, path.c_str(), 1);
  }
  KeyVariable(const KeyVariable&) = delete;
  KeyVariable& operator=(const KeyVariable&) = delete;
  ~KeyVariable() { ::unsetenv(host::fleet_key_variable); }
};

}  // namespace

TEST_CASE("the file that is named comes before that of the variable, and this before the default") {
  const TemporaryDirectory directory;
  REQUIRE(write_small_file(directory / "one", key_line(1)));
  REQUIRE(write_small_file(directory / "two", key_line(2)));
  {
    const KeyVariable variable(directory / "one");
    CHECK(host::fleet_key_path() == directory / "one");
    const auto keys = host::fleet_keys_for("", false);
    REQUIRE((keys && *keys));
    CHECK((*keys)->fleet.first() == test::secret_of(1));
    CHECK((*host::fleet_keys_for(directory / "two", false))->fleet.first() == test::secret_of(2));
    CHECK_FALSE(*host::fleet_keys_for("", true));
  }
  const KeyVariable variable("");
  CHECK(host::fleet_key_path() == host::fleet_key_path_default);
}

TEST_CASE("no file of the variable means an open swarm, one that others may read an error") {
  const TemporaryDirectory directory;
  const KeyVariable variable(directory / "key");
  const auto none = host::fleet_keys_for("", false);
  REQUIRE(none);
  CHECK_FALSE(*none);
  REQUIRE(write_small_file(directory / "key", key_line(1)));
  REQUIRE(::chmod((directory / "key").c_str(), 0640) == 0);
  CHECK(host::fleet_keys_for("", false).error().code == ErrorCode::permission);
  REQUIRE(::chmod((directory / "key").c_str(), 0600) == 0);
  CHECK(host::fleet_keys_for("", false).has_value());
  REQUIRE(write_small_file(directory / "key", std::string(100'000, '\n')));
  CHECK(host::fleet_keys_for("", false).error().code == ErrorCode::limit);
}

TEST_CASE(
    "a directory that a link on the way names and that is not there is no open swarm either") {
  const TemporaryDirectory directory;
  const KeyVariable variable(directory / "way/key");
  REQUIRE(::symlink((directory / "mount").c_str(), (directory / "way").c_str()) == 0);
  CHECK_FALSE(host::fleet_keys_for("", false));
  std::filesystem::create_directory(directory / "mount");
  const auto none = host::fleet_keys_for("", false);
  REQUIRE(none);
  CHECK_FALSE(*none);
}

TEST_CASE("a link that leads nowhere is a key that was meant to be there, not an open swarm") {
  const TemporaryDirectory directory;
  const KeyVariable variable(directory / "key");
  REQUIRE(::symlink((directory / "secrets").c_str(), (directory / "key").c_str()) == 0);
  const auto missing = host::fleet_keys_for("", false);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().text.find("--open") != std::string::npos);
  CHECK_FALSE(*host::fleet_keys_for("", true));
  REQUIRE(write_small_file(directory / "secrets", key_line(1)));
  const auto keys = host::fleet_keys_for("", false);
  REQUIRE(keys);
  CHECK(keys->has_value());
}
