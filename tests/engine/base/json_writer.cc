#include "engine/base/json_writer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "engine/base/json.h"

namespace murder {
namespace {

std::string text_of(std::string_view value) {
  JsonWriter writer;
  writer.text(value);
  return writer.take();
}

std::string number_of(double value) {
  JsonWriter writer;
  writer.number(value);
  return writer.take();
}

}  // namespace

TEST_CASE("commas stand between values and nowhere else") {
  JsonWriter writer;
  writer.begin_object();
  writer.member("a", 1);
  writer.key("list");
  writer.begin_array();
  writer.end_array();
  writer.key("items");
  writer.begin_array();
  writer.number(int64_t{-2});
  writer.begin_object();
  writer.end_object();
  writer.begin_object();
  writer.member("yes", true);
  writer.member("name", "x");
  writer.end_object();
  writer.null();
  writer.end_array();
  writer.key("end");
  writer.decimal(1.5, 3);
  writer.end_object();
  CHECK(writer.take() ==
        R"({"a":1,"list":[],"items":[-2,{},{"yes":true,"name":"x"},null],"end":1.500})");
}

TEST_CASE("keys and texts are escaped, and what is not UTF-8 is replaced") {
  CHECK(text_of("say \"a\\b\"") == R"("say \"a\\b\"")");
  CHECK(text_of("\b\t\n\f\r\x01\x1F\x7F") == "\"\\b\\t\\n\\f\\r\\u0001\\u001f\x7F\"");
  CHECK(text_of("\u00e9\u20ac\U0001F600") == "\"\u00e9\u20ac\U0001F600\"");
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(text_of("a\xFFz") == '"' + std::string("a") + bad + "z\"");
  CHECK(text_of("\xE2(") == '"' + bad + "(\"");                    // cut short by what follows
  CHECK(text_of("\xE2\x82") == '"' + bad + "\"");                  // and by the end
  CHECK(text_of("\xE0\x80") == '"' + bad + bad + "\"");            // overlong
  CHECK(text_of("\xED\xA0\x80") == '"' + bad + bad + bad + "\"");  // a surrogate
  CHECK(text_of("\xC3\xC3\xA9") == '"' + bad + "\u00e9\"");
  JsonWriter writer;
  writer.begin_object();
  writer.member("a\"b", 1);
  writer.end_object();
  CHECK(writer.take() == R"({"a\"b":1})");
}

TEST_CASE("a number has the fewest digits that give it again, with a point or an exponent") {
  const std::vector<std::pair<double, std::string>> numbers = {
      {0, "0.0"},
      {-0.0, "-0.0"},
      {1, "1.0"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {1234.5678, "1234.5678"},
      {123456789012345, "123456789012345.0"},
      {1e14, "100000000000000.0"},
      {1e15, "1e+15"},
      {1.25e15, "1.25e+15"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {1.5e300, "1.5e+300"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {0.30000000000000004, "0.30000000000000004"},
  };
  for (const auto& [value, text] : numbers) {
    CHECK(number_of(value) == text);
    CHECK(parse_json(text)->number() == value);
  }
  CHECK(number_of(std::numeric_limits<double>::infinity()) == "null");
  CHECK(number_of(std::nan("")) == "null");
}

TEST_CASE("whole numbers keep all of their digits") {
  JsonWriter writer;
  writer.begin_array();
  writer.number(UINT64_MAX);
  writer.number(INT64_MIN);
  writer.number(uint8_t{7});
  writer.end_array();
  CHECK(writer.take() == "[18446744073709551615,-9223372036854775808,7]");
}

}  // namespace murder
