#include "tracker/rack_table.h"

#include <doctest/doctest.h>

#include <string>

#include "tracker/bounds.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

namespace {

RackTable table(std::string_view text) {
  Result<RackTable> parsed = RackTable::parse(text, "racks");
  REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().text));
  return std::move(*parsed);
}

std::string error_of(std::string_view text) {
  const Result<RackTable> parsed = RackTable::parse(text, "racks");
  REQUIRE_FALSE(parsed);
  return parsed.error().text;
}

}  // namespace

TEST_CASE("an address has the rack of the narrowest network that has it") {
  const RackTable racks = table(
      "# the hall\n"
      "10.0.0.0/8\thall\n"
      "10.1.0.0/16 r7   # by the door\r\n"
      "\n"
      "10.1.2.0/23 r8\n"
      "10.1.2.5 r9\n"
      "0.0.0.0/0 elsewhere\n"
      "2001:db8:1::/48 six");
  CHECK(racks.network_count() == 6);
  CHECK(racks.find(address("10.9.0.1")) == "hall");
  CHECK(racks.find(address("10.1.0.1")) == "r7");
  CHECK(racks.find(address("10.1.3.255")) == "r8");
  CHECK(racks.find(address("10.1.4.0")) == "r7");
  CHECK(racks.find(address("10.1.2.5")) == "r9");
  CHECK(racks.find(address("192.0.2.1")) == "elsewhere");
  CHECK(racks.find(address("2001:db8:1:ffff::1")) == "six");
  CHECK(racks.find(address("2001:db8:2::1")).empty());
  CHECK(table("").find(address("10.1.2.5")).empty());
  // As editors of Windows save it.
  CHECK(table("\xEF\xBB\xBF"
              "10.0.0.0/8 hall\r\n")
            .find(address("10.1.2.5")) == "hall");
}

TEST_CASE("a line that is wrong is named") {
  CHECK(error_of("10.0.0.0/8 a\nhost7 r7\n").starts_with("racks:2: 'host7'"));
  CHECK(error_of("10.0.0.0/33 a").starts_with("racks:1: "));
  CHECK(error_of("10.0.0.0/ a").starts_with("racks:1: "));
  CHECK(error_of("10.0.0.0/8x a").starts_with("racks:1: "));
  CHECK(error_of("2001:db8::/129 a").starts_with("racks:1: "));
  CHECK(error_of("10.0.0.0/8").starts_with("racks:1: "));
  CHECK(error_of("10.0.0.0/8 a b").starts_with("racks:1: more than"));
  CHECK(error_of("10.0.0.0/8 <a>").starts_with("racks:1: "));
  CHECK(error_of("10.1.2.3/16 a").find("10.1.0.0") != std::string::npos);
  CHECK(error_of("10.0.0.0/8 a\n10.0.0.0/8 b").find("the same") != std::string::npos);
}

TEST_CASE("a table is bounded") {
  std::string text;
  for (uint32_t number = 0; number < limits::rack_networks_max; ++number) {
    text += v4_number(number).text() + " r\n";
  }
  CHECK(table(text).network_count() == limits::rack_networks_max);
  CHECK(error_of(text + "192.0.2.1 r\n").find("more than") != std::string::npos);
}
