#include "engine/base/printable.h"

#include <doctest/doctest.h>

namespace murder {

TEST_CASE("a name with a newline cannot make a line of its own") {
  CHECK(printable_value("a\n   999 GiB  forged") == "a\\n   999 GiB  forged");
  CHECK(printable_value("a\r\tb") == "a\\r\\tb");
}

TEST_CASE("control characters cannot steer a terminal") {
  for (const bool is_value : {true, false}) {
    const auto shown = [is_value](std::string_view text) {
      return is_value ? printable_value(text) : printable_lines(text);
    };
    CHECK(shown("\x1b[2J") == "\\x1b[2J");
    CHECK(shown(std::string_view("\0\a\x7f", 3)) == "\\x00\\x07\\u007f");
    CHECK(shown("\xC2\x9B"
                "2J") == "\\u009b2J");  // CSI as a C1 control in UTF-8
    CHECK(shown("\x9B"
                "2J") == "\\x9b2J");  // the same as a byte
    CHECK(shown("a\xE2\x80\xAE"
                "b") == "a\\u202eb");  // right-to-left override
    CHECK(shown("\xE2\x81\xA6\xE2\x81\xA9") == "\\u2066\\u2069");
    CHECK(shown("\xD8\x9C") == "\\u061c");
    CHECK(shown("\xE2\x80\xA8") == "\\u2028");
  }
}

TEST_CASE("text in any language is shown as it is") {
  CHECK(printable_value("Straße 東京 עברית 🚀") == "Straße 東京 עברית 🚀");
  CHECK(printable_lines("a\n\tb \\ c") == "a\n\tb \\ c");
}

TEST_CASE("what is not UTF-8 is shown byte for byte, the rest stays") {
  CHECK(printable_value("\xFF"
                        "ä\xE2\x82") == "\\xffä\\xe2\\x82");
  CHECK(printable_value("\xC0\x8A") == "\\xc0\\x8a");  // an overlong newline
}

TEST_CASE("values that differ are shown differently") {
  CHECK(printable_value("a\\nb") == "a\\\\nb");
  CHECK(printable_value("a\nb") == "a\\nb");
}

}  // namespace murder
