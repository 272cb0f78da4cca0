#include "engine/codec/url.h"

#include <doctest/doctest.h>

#include <string>

using murder::ErrorCode;
using murder::codec::percent_decode;
using murder::codec::percent_encode;
using murder::codec::resolve_url;
using murder::codec::Url;

TEST_CASE("http URLs are taken apart") {
  CHECK(*Url::parse("http://tracker01:8998/announce?a=b&c=d") ==
        Url{"tracker01", 8998, "/announce", "a=b&c=d"});
  CHECK(*Url::parse("http://tracker01") == Url{"tracker01", 80, "/", ""});
  CHECK(*Url::parse("HTTP://tracker01:/") == Url{"tracker01", 80, "/", ""});
  CHECK(*Url::parse("http://tracker01?x") == Url{"tracker01", 80, "/", "x"});
  CHECK(*Url::parse("http://[2001:db8::1]:81/a/b#part") == Url{"2001:db8::1", 81, "/a/b", ""});
  CHECK(*Url::parse("http://[::1]") == Url{"::1", 80, "/", ""});
  CHECK(*Url::parse("https://tracker01/a?b") ==
        Url{.host = "tracker01", .port = 443, .path = "/a", .query = "b", .is_https = true});
  CHECK(*Url::parse("HTTPS://[::1]:8998") == Url{.host = "::1", .port = 8998, .is_https = true});
  CHECK(*Url::parse("http://192.0.2.1:1/%20?%3f?") == Url{"192.0.2.1", 1, "/%20", "%3f?"});
}

TEST_CASE("URLs print as they read") {
  for (const char* text :
       {"http://a/", "http://a:81/", "http://[::1]:8998/announce?x=1", "http://[::1]/",
        "http://a.b-c_d/x/y?z", "https://a/", "https://a:80/b", "http://a:443/"}) {
    CHECK(Url::parse(text)->text() == text);
  }
  CHECK(Url::parse("http://[::1]:81/")->authority() == "[::1]:81");
  CHECK(Url::parse("http://a:80/b?c")->authority() == "a");
  CHECK(Url::parse("http://a:80/b?c")->target() == "/b?c");
}

TEST_CASE("what is no http URL is refused, with the reason") {
  for (const char* text :
       {"", "http://", "http:///x", "http://:80/", "tracker01:80/announce", "http://a:0/",
        "http://a:65536/", "http://a:x/", "http://a b/", "http://a/\r\nHost: b", "http://a/\x7f",
        "http://a/\xc3\xa9", "http://::1/", "http://[::1/", "http://[a]/", "http://[::1]x/",
        "http://a\\b/", "ttp://a/"}) {
    CAPTURE(text);
    CHECK_FALSE(Url::parse(text));
  }
  for (const char* text : {"udp://a:80/announce", "wss://a/", "httpss://a/", "ftp://a/",
                           "http://me@a/", "http://me:secret@a/"}) {
    CAPTURE(text);
    REQUIRE_FALSE(Url::parse(text));
    CHECK(Url::parse(text).error().code == ErrorCode::unsupported);
  }
  CHECK(Url::parse("http://me:secret@a/").error().text.find("secret") == std::string::npos);
}

TEST_CASE("a redirect is absolute, or relative to the host or the folder") {
  const Url base = *Url::parse("http://a:81/x/y?q");
  CHECK(resolve_url(base, "http://b/z")->text() == "http://b/z");
  CHECK(resolve_url(base, "//b/z")->text() == "http://b/z");
  CHECK(resolve_url(base, "/z?r")->text() == "http://a:81/z?r");
  CHECK(resolve_url(base, "z")->text() == "http://a:81/x/z");
  CHECK(resolve_url(base, "?r")->text() == "http://a:81/x/y?r");
  CHECK(resolve_url(base, "#f")->text() == "http://a:81/x/y?q");
  CHECK(resolve_url(base, "https://b/z")->text() == "https://b/z");
  CHECK_FALSE(resolve_url(base, "/a b"));
  CHECK_FALSE(resolve_url(base, "mailto:x"));
}

TEST_CASE("from https a redirect without a scheme stays with it") {
  const Url base = *Url::parse("https://a:81/x/y?q");
  CHECK(resolve_url(base, "//b/z")->text() == "https://b/z");
  CHECK(resolve_url(base, "z")->text() == "https://a:81/x/z");
  CHECK(resolve_url(base, "http://a/")->text() == "http://a/");
}

TEST_CASE("an https URL may pin keys behind all else, which no server is told") {
  const Url url = *Url::parse("https://a/b?c#pin=SHA256:x/y+z=,SHA256:w");
  CHECK(url.pins == "SHA256:x/y+z=,SHA256:w");
  CHECK(url.text() == "https://a/b?c");
  CHECK(url.target() == "/b?c");
  CHECK(Url::parse(url.origin() + "/d" + url.pin_fragment())->pins == url.pins);
  CHECK(Url::parse("https://a/#other")->pins.empty());
  CHECK(Url::parse("https://a/#")->pins.empty());
  CHECK(Url::parse("https://a/#other")->pin_fragment().empty());
  // A pin that does not count would be a server that anybody may play.
  for (const char* text :
       {"http://a/#pin=SHA256:x", "https://a/#pin=", "https://a/#pin", "https://a/#pins=SHA256:x",
        "https://a/#PIN=SHA256:x", "https://a/#pin:SHA256:x", "http://a/#pin="}) {
    CAPTURE(text);
    CHECK(Url::parse(text).error().code == ErrorCode::invalid_input);
  }
}

TEST_CASE("percent encoding keeps every byte") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all.push_back(static_cast<char>(byte));
  }
  CHECK(*percent_decode(percent_encode(all)) == all);
  CHECK(percent_encode("aZ09-._~ +%/\xff") == "aZ09-._~%20%2B%25%2F%FF");
  CHECK(*percent_decode("%2f%2F+%00") == std::string("//+\0", 4));
}

TEST_CASE("a bad percent escape is an error") {
  for (const char* text : {"%", "a%2", "%g0", "%0g", "%%20", "% 20"}) {
    CAPTURE(text);
    CHECK_FALSE(percent_decode(text));
  }
}
