#include "engine/control/frame.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace murder;
using namespace murder::control;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

TEST_CASE("a message is behind its length, big endian") {
  std::string out;
  append_frame(out, "abc");
  append_frame(out, std::string(258, 'x'));
  CHECK(out.substr(0, 7) == std::string("\0\0\0\3abc", 7));
  CHECK(out.substr(7, 4) == std::string("\0\0\1\2", 4));
}

TEST_CASE("messages come out whole, in whatever pieces they come in") {
  std::string stream;
  const std::vector<std::string> sent = {"a", std::string(64, 'b'), "cc"};
  for (const std::string& text : sent) {
    append_frame(stream, text);
  }
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    FrameReader reader(64);
    std::vector<std::string> got;
    for (size_t start = 0; start < stream.size(); start += piece) {
      reader.put(bytes_of(std::string_view(stream).substr(start, piece)));
      std::string text;
      while (true) {
        const Result<bool> next = reader.next(text);
        REQUIRE(next.has_value());
        if (!*next) {
          break;
        }
        got.push_back(text);
      }
    }
    CHECK(got == sent);
  }
}

TEST_CASE("a length of zero or beyond the bound ends it before anything of it is kept") {
  for (const std::string& head : {std::string("\0\0\0\0", 4), std::string("\0\0\0\x41", 4),
                                  std::string("\xff\xff\xff\xff", 4)}) {
    FrameReader reader(64);
    reader.put(bytes_of(head));
    std::string text;
    CHECK_FALSE(reader.next(text).has_value());
  }
}
