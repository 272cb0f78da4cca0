#include "cli/ui/live_lines.h"

#include <doctest/doctest.h>

#include <vector>

using namespace murder::cli;

TEST_CASE("no line is wider than the terminal, and no more are shown than it has rows") {
  const std::vector<std::string> lines = {"hosts     9 of 16", "behind    h05 12%", "short"};
  CHECK(fit_lines(lines, 9, 24) == "hosts    \nbehind   \nshort\n");
  CHECK(fit_lines(lines, 80, 2) == "hosts     9 of 16\nbehind    h05 12%\n");
  CHECK(fit_lines({}, 80, 2).empty());
}

TEST_CASE("a line is cut between characters, not within one") {
  const std::vector<std::string> lines = {"\u00e4\u00f6\u00fc x"};
  CHECK(fit_lines(lines, 2, 1) == "\u00e4\u00f6\n");
}
