#include "cli/table.h"

#include <doctest/doctest.h>

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

}  // namespace murder::cli
