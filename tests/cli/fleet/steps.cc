#include "cli/fleet/steps.h"

#include <doctest/doctest.h>

namespace murder::fleet {

TEST_CASE("the last object that a command printed counts, whatever stands around it") {
  const auto tag_in = [](const std::string& output) {
    return text_member(json_output({.output = output}), "tag");
  };
  CHECK(tag_in("{\"tag\": \"v1\"}\n") == "v1");
  CHECK(tag_in("{\"tag\": \"v1\"}\r\n\n") == "v1");
  CHECK(
      tag_in(
          "noise {\n{\"tag\": \"v1\"}\n{\"tag\": \"v2\"}\nkeychain: agent started\n[1]\n{oops\n") ==
      "v2");
  CHECK(json_output({.output = ""}).is_null());
  CHECK(json_output({.output = "no object\n[1, 2]\n"}).is_null());
}

}  // namespace murder::fleet
