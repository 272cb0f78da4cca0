#include "agent/program_file.h"

#include <doctest/doctest.h>

#include "../temporary_directory.h"
#include "engine/base/small_file.h"

using namespace murder;
using namespace murder::agent;

TEST_CASE("another program counts when it was there at two looks") {
  const TemporaryDirectory directory;
  const std::string path = directory / "murder";
  REQUIRE(write_small_file(path, "one", false).has_value());
  ProgramFile file(path);
  CHECK_FALSE(file.is_replaced());
  CHECK_FALSE(file.is_replaced());
  REQUIRE(write_small_file(path, "other", false).has_value());
  CHECK_FALSE(file.is_replaced());
  CHECK(file.is_replaced());
  file.reject();
  CHECK_FALSE(file.is_replaced());
  REQUIRE(write_small_file(path, "a third", false).has_value());
  CHECK_FALSE(file.is_replaced());
  CHECK(file.is_replaced());
}

TEST_CASE("a program that is gone is not begun") {
  const TemporaryDirectory directory;
  const std::string path = directory / "murder";
  REQUIRE(write_small_file(path, "one", false).has_value());
  ProgramFile file(path);
  std::filesystem::remove(path);
  CHECK_FALSE(file.is_replaced());
  CHECK_FALSE(file.is_replaced());
}
