#include "engine/host/own_program.h"

#include <doctest/doctest.h>
#include <unistd.h>

namespace murder::host {

TEST_CASE("the file of a program that was replaced is named as the one in its place") {
  CHECK(without_deleted_mark("/opt/murder/murder (deleted)") == "/opt/murder/murder");
  CHECK(without_deleted_mark("/opt/murder/murder") == "/opt/murder/murder");
  CHECK(without_deleted_mark("") == "");
}

TEST_CASE("this program's own file is found") {
  const Result<std::string> path = own_program_path();
  REQUIRE(path);
  CHECK(access(path->c_str(), X_OK) == 0);
}

}  // namespace murder::host
