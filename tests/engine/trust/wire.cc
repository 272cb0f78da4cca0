#include "engine/trust/wire.h"

#include <doctest/doctest.h>

#include <string>

using namespace murder::trust;

namespace {

std::string string_of(std::string_view bytes) {
  std::string out;
  append_string(out, bytes);
  return out;
}

}  // namespace

TEST_CASE("values are read from the front, and what is cut off is none") {
  std::string bytes = string_of("abc");
  append_uint32(bytes, 0x01020304);
  bytes += std::string("\x7f\x00\x00\x00\x00\x00\x00\x00\x09", 9);
  WireReader reader(bytes);
  CHECK(reader.string() == "abc");
  CHECK(reader.uint32() == 0x01020304U);
  CHECK(reader.byte() == 0x7f);
  CHECK(reader.uint64() == 9U);
  CHECK(reader.is_empty());
  CHECK_FALSE(reader.byte());
  for (size_t size = 0; size < 7; ++size) {
    WireReader cut(std::string_view(bytes).substr(0, size));
    CHECK_FALSE(cut.string());
    CHECK(cut.is_empty());
  }
  const std::string huge =
      "\xff\xff\xff\xff"
      "abc";
  CHECK_FALSE(WireReader(huge).string());
}

TEST_CASE("a number of a key has one spelling, one of a signature may have zeros in front") {
  const auto canonical = [](std::string_view digits) {
    const std::string bytes = string_of(digits);
    const auto number = WireReader(bytes).canonical_number();
    return number ? std::string(*number) : std::string("none");
  };
  const auto any = [](std::string_view digits) {
    const std::string bytes = string_of(digits);
    const auto number = WireReader(bytes).number();
    return number ? std::string(*number) : std::string("none");
  };
  using namespace std::string_view_literals;
  CHECK(canonical("\x7f"sv) == "\x7f");
  CHECK(canonical("\0\x80"sv) == "\x80");
  for (const std::string_view wrong : {""sv, "\0"sv, "\x80"sv, "\0\x7f"sv, "\0\0\x80"sv}) {
    CHECK(canonical(wrong) == "none");
  }
  CHECK(any("\0\0\x80"sv) == "\x80");
  CHECK(any("\0\x01"sv) == "\x01");
  for (const std::string_view wrong : {""sv, "\0\0"sv, "\x80"sv}) {
    CHECK(any(wrong) == "none");
  }
}
