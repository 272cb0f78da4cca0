#include <doctest/doctest.h>

#include <string>

#include "engine/base/prng.h"
#include "engine/base/types.h"
#include "engine/codec/bounds.h"
#include "engine/codec/http_head.h"

using murder::as_bytes_of;
using murder::as_text_of;
using murder::Prng;
using murder::codec::ChunkedDecoder;

namespace {

struct Decoded {
  bool is_done = false;
  bool is_error = false;
  std::string payload;
  std::string rest;  // what follows the body
};

// Feeds the text in parts of at most part_max bytes.
Decoded decode(std::string_view text, Prng& prng, uint32_t part_max) {
  ChunkedDecoder decoder;
  Decoded result;
  while (!text.empty() && !decoder.is_done()) {
    std::string_view part = text.substr(0, 1 + prng.below(part_max));
    text.remove_prefix(part.size());
    while (!part.empty() && !decoder.is_done()) {
      const auto step = decoder.next(as_bytes_of(part));
      if (!step) {
        result.is_error = true;
        CHECK_FALSE(decoder.next(as_bytes_of("0\r\n\r\n")));  // and it stays so
        return result;
      }
      REQUIRE(step->used_bytes > 0);
      result.payload += as_text_of(step->payload);
      part.remove_prefix(step->used_bytes);
    }
    result.rest = part;
  }
  result.is_done = decoder.is_done();
  result.rest += text;
  return result;
}

}  // namespace

TEST_CASE("a chunked body reads the same however it is cut") {
  const std::string text =
      "5\r\nhello\r\nB;name=\"v\"\r\n, world! abc\r\n0000a \n0123456789\n00\r\nTrailer: "
      "x\r\n\r\nnext";
  std::string fixed = text;
  fixed.replace(fixed.find(", world! abc"), 12, ", world!abc");
  Prng prng(3);
  for (const uint32_t part_max : {1U, 2U, 7U, 1000U}) {
    for (int round = 0; round < 30; ++round) {
      const Decoded decoded = decode(fixed, prng, part_max);
      CHECK(decoded.is_done);
      CHECK(decoded.payload == "hello, world!abc0123456789");
      CHECK(decoded.rest == "next");
    }
  }
}

TEST_CASE("a body that is cut off is not done") {
  Prng prng(4);
  const std::string text = "3\r\nabc\r\n0\r\n\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    const Decoded decoded = decode(text.substr(0, size), prng, 100);
    CHECK_FALSE(decoded.is_done);
    CHECK_FALSE(decoded.is_error);
  }
  CHECK(decode(text, prng, 100).is_done);
}

TEST_CASE("malformed chunks are an error") {
  Prng prng(5);
  for (const char* text : {"\r\n", "x\r\n", "-1\r\n", "3\r\nabcd\r\n", "3\r\nabcX", "3\rX",
                           "3\r\nabc\rX", "0\r\n\rX", "0\r\na: b\rX", "0x3\r\nabc",
                           "10000000000000000\r\n", "ffffffffffffffffffffffff\r\n", ";\r\n"}) {
    CAPTURE(text);
    CHECK(decode(text, prng, 100).is_error);
  }
}

TEST_CASE("extensions, trailers and leading zeros are bounded") {
  Prng prng(6);
  const std::string much(murder::limits::http_head_bytes_max, '0');
  CHECK(decode(much + "1\r\na\r\n0\r\n\r\n", prng, 1000).is_error);
  CHECK(decode("1;" + much + "\r\na\r\n0\r\n\r\n", prng, 1000).is_error);
  CHECK(decode("0\r\na: " + much + "\r\n\r\n", prng, 1000).is_error);
  std::string many;
  for (int chunk = 0; chunk < 10000; ++chunk) {
    many += "1;x\r\na\r\n";
  }
  CHECK(decode(many + "0\r\n\r\n", prng, 1000).payload == std::string(10000, 'a'));
}
