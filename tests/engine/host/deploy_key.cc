#include "engine/host/deploy_key.h"

#include <doctest/doctest.h>

#include <string>

#include "../../fleet_secrets.h"

using namespace murder;
using host::parse_deploy_key_message;

TEST_CASE("a deploy tells its name and a fleet key, or its name alone") {
  const std::string key = trust::key_text(trust::KeyKind::fleet, test::secret_of(1));
  const auto told = parse_deploy_key_message(host::deploy_key_message("ab1", key));
  REQUIRE(told);
  CHECK(told->deploy == "ab1");
  CHECK(told->key == test::secret_of(1));
  const auto ended = parse_deploy_key_message(host::deploy_key_message("ab1", ""));
  REQUIRE(ended);
  CHECK_FALSE(ended->key);
  for (const trust::KeyKind kind : {trust::KeyKind::opener, trust::KeyKind::viewer}) {
    const std::string other = trust::key_text(kind, test::secret_of(1));
    CHECK_FALSE(parse_deploy_key_message("ab1\n" + other + "\n"));
  }
  for (const std::string& wrong :
       {std::string(), std::string("ab1"), "\n" + key + "\n", "ab1\n" + key, "ab1\n" + key + "\n\n",
        "a b\n" + key + "\n", std::string(65, 'a') + "\n" + key + "\n"}) {
    CHECK_FALSE(parse_deploy_key_message(wrong));
  }
}
