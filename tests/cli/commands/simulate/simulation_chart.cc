#include "cli/commands/simulate/simulation_chart.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace murder;
using namespace std::chrono_literals;

TEST_CASE("bars grow with the hosts that are done, and the last one is full") {
  std::vector<Duration> done;
  for (int host = 1; host <= 100; ++host) {
    done.push_back(10s + host * 10ms);
  }
  const auto lines = cli::draw_for_terminal(
      {.done_after = done, .host_count = 100, .floor = 10500ms, .title = ""}, 80);
  REQUIRE(lines.size() > 2);
  const auto length = [](const std::string& line) { return std::ranges::count(line, '#'); };
  CHECK(std::ranges::is_sorted(lines, {}, length));
  CHECK(length(lines.back()) == 50);
  CHECK(length(lines.front()) == 0);
  CHECK(std::ranges::count_if(lines, [](const std::string& line) {
          return line.find("floor") != std::string::npos;
        }) == 1);
  CHECK(std::ranges::all_of(lines, [](const std::string& line) { return line.size() <= 80; }));
}

TEST_CASE("without a host that is done there is nothing to draw in a terminal") {
  CHECK(cli::draw_for_terminal({.done_after = {}, .host_count = 5, .floor = 1s, .title = ""}, 80)
            .empty());
}

TEST_CASE("a picture is well-formed whatever its title") {
  const std::vector<Duration> done = {1s, 2s};
  const std::string svg =
      cli::draw_svg({.done_after = done, .host_count = 2, .floor = 1s, .title = "<a & b>"});
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("&lt;a &amp; b&gt;") != std::string::npos);
  CHECK(svg.find("<a") == std::string::npos);
}
