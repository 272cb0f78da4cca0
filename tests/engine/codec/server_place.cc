#include "engine/codec/server_place.h"

#include <doctest/doctest.h>

using namespace murder;
using codec::ServerPlace;

TEST_CASE("a place without a scheme is http, at the port that is usual for it") {
  const auto place = ServerPlace::parse("t1", 8998);
  REQUIRE(place);
  CHECK(place->text() == "t1:8998");
  CHECK(place->word() == "t1:8998");
  CHECK(place->url("/announce") == "http://t1:8998/announce");
  CHECK(ServerPlace::parse("[2001:db8::1]:7", 8998)->url("/") == "http://[2001:db8::1]:7/");
}

TEST_CASE("an https place has its scheme's port, and its pins go with it") {
  const auto place = ServerPlace::parse("https://t1:8998#pin=SHA256:abc,SHA256:def", 1);
  REQUIRE(place);
  CHECK(place->is_https);
  CHECK(place->text() == "t1:8998");
  CHECK(place->pins == "SHA256:abc,SHA256:def");
  CHECK(place->word() == "https://t1:8998#pin=SHA256:abc,SHA256:def");
  CHECK(place->url("/a?b") == "https://t1:8998/a?b#pin=SHA256:abc,SHA256:def");
  CHECK(ServerPlace::parse("HTTPS://t1/", 1)->word() == "https://t1:443");
  CHECK(ServerPlace::parse(place->word(), 2) == *place);
}

TEST_CASE("what names no server is refused") {
  for (const char* text :
       {"", ":7", "t1:0", "t1/path", "a b", "https://", "https://t1/announce", "https://t1?x",
        "https://u@t1", "ftp://t1", "http://t1:7", "t1#pin=SHA256:abc"}) {
    INFO(text);
    CHECK_FALSE(ServerPlace::parse(text, 8998));
  }
}
