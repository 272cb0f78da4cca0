#include "cli/ui/table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace murder::cli {

TEST_CASE("columns align, also with letters of several bytes") {
  CHECK(format_table({{"TAG", "PID"},
                      {"\xC3\xBC"
                       "ber",
                       "1"},
                      {"v1", "22"}}) ==
        "TAG   PID\n\xC3\xBC"
        "ber  1\nv1    22");
}

TEST_CASE("no line ends in a space") {
  CHECK(format_table({{"A", "B"}, {"long", ""}}) == "A     B\nlong");
}

TEST_CASE("the words of others stay in their cells and steer no terminal") {
  const std::string table =
      format_table({{"HOST", "REASON"},
                    {"w1", "bad\nw2    all is well \x1b[2J\xC2\x9B\xE2\x80\xAE"},
                    {"w3", "x"}});
  CHECK(std::count(table.begin(), table.end(), '\n') == 2);
  for (const char* forbidden : {"\x1b", "\xC2\x9B", "\xE2\x80\xAE"}) {
    CHECK(table.find(forbidden) == std::string::npos);
  }
  CHECK(table.find("w1    bad\\nw2") != std::string::npos);
}

}  // namespace murder::cli
