#include "engine/base/tag.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/base/bounds.h"
#include "engine/base/utf8.h"

using namespace murder;

TEST_CASE("tags that make good file names are taken") {
  for (const char* tag : {"v42", "release 1.0", "2024-01-31_r1+b", ".hidden", "...", ".murder",
                          "murder-1", "größe", "日本"}) {
    CAPTURE(tag);
    CHECK(validate_tag(tag));
  }
  CHECK(validate_tag(std::string(limits::tag_bytes_max, 'x')));
}

TEST_CASE("tags that would harm as file names are refused") {
  for (const std::string& tag :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
        std::string("../x"), std::string("-v"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("\x7f"), std::string("\xff\xfe"), std::string(".murder-releases.json"),
        std::string(".v1.murder-0123456789ab"), std::string(limits::tag_bytes_max + 1, 'x')}) {
    CAPTURE(tag);
    const Status status = validate_tag(tag);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::invalid_input);
  }
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (const char* text : {"", "plain", "é", "€", "😀", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    CAPTURE(text);
    CHECK(is_utf8(text));
  }
  for (const char* text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xff", "\xe2\x82"}) {
    CAPTURE(text);
    CHECK_FALSE(is_utf8(text));
  }
}
