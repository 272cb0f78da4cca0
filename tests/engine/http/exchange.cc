#include "engine/http/exchange.h"

#include <doctest/doctest.h>

#include "engine/base/types.h"

using namespace murder;
using namespace murder::http;

namespace {

Exchange begin(std::string_view url, const RequestOptions& options = {}) {
  Result<Exchange> exchange = Exchange::begin(url, options);
  REQUIRE(exchange);
  return std::move(*exchange);
}

void feed(Exchange& exchange, std::string_view text) {
  REQUIRE(exchange.reader().feed(as_bytes_of(text)));
  REQUIRE(exchange.reader().is_done());
}

}  // namespace

TEST_CASE("a request has the path, the query and the host of its URL") {
  const Exchange exchange = begin("http://[::1]:8998/announce?a=%20b");
  const std::string bytes = exchange.request_bytes();
  CHECK(bytes.starts_with("GET /announce?a=%20b HTTP/1.1\r\nHost: [::1]:8998\r\n"));
  CHECK(bytes.find("Connection: close\r\n") != std::string::npos);
  CHECK(bytes.find("Content-Length") == std::string::npos);
  CHECK(bytes.ends_with("\r\n\r\n"));
}

TEST_CASE("a POST says how long its body is, also an empty one") {
  CHECK(begin("http://h/stop", {.method = "POST"}).request_bytes().find("Content-Length: 0\r\n") !=
        std::string::npos);
  CHECK(begin("http://h/", {.method = "POST", .body = "abc"}).request_bytes().ends_with("\r\nabc"));
}

TEST_CASE("other schemes and what is no URL are errors in words") {
  const Result<Exchange> udp = Exchange::begin("udp://host/announce", {});
  REQUIRE_FALSE(udp);
  CHECK(udp.error().code == ErrorCode::unsupported);
  CHECK_FALSE(Exchange::begin("no url", {}));
  CHECK_FALSE(Exchange::begin("", {}));
}

TEST_CASE("a redirect leads to the next URL, and a POST becomes a GET except with 307 and 308") {
  Exchange exchange = begin("http://a/x?q", {.method = "POST", .body = "data"});
  feed(exchange, "HTTP/1.1 307 T\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(exchange.follow_redirect() == true);
  CHECK(exchange.url().text() == "http://a/y");
  CHECK(exchange.request_bytes().starts_with("POST /y "));
  feed(exchange, "HTTP/1.1 302 F\r\nLocation: http://b:81/z\r\nContent-Length: 3\r\n\r\nabc");
  REQUIRE(exchange.follow_redirect() == true);
  CHECK(exchange.url().text() == "http://b:81/z");
  CHECK(exchange.request_bytes().starts_with("GET /z "));
  feed(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  REQUIRE(exchange.follow_redirect() == false);
  const Reply reply = exchange.take_reply({});
  CHECK(reply.body == "ok");
  CHECK(reply.final_url == "http://b:81/z");
}

TEST_CASE("redirects are followed so many times and no more, and never from https to http") {
  Exchange exchange = begin("http://a/");
  for (uint32_t count = 0; count < redirects_max; ++count) {
    feed(exchange, "HTTP/1.1 301 M\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(exchange.follow_redirect() == true);
  }
  feed(exchange, "HTTP/1.1 301 M\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
  CHECK(exchange.follow_redirect().error().code == ErrorCode::limit);
  Exchange to_https = begin("http://a/");
  feed(to_https, "HTTP/1.1 301 M\r\nLocation: https://a/\r\nContent-Length: 0\r\n\r\n");
  CHECK(to_https.follow_redirect() == true);
  CHECK(to_https.is_encrypted());
  feed(to_https, "HTTP/1.1 301 M\r\nLocation: http://a/\r\nContent-Length: 0\r\n\r\n");
  CHECK(to_https.follow_redirect().error().text ==
        "https://a/: redirected from https to http, which anybody on the way can change");
  Exchange to_mail = begin("http://a/");
  feed(to_mail, "HTTP/1.1 301 M\r\nLocation: ftp://a/\r\nContent-Length: 0\r\n\r\n");
  CHECK(to_mail.follow_redirect().error().code == ErrorCode::unsupported);
  Exchange nowhere = begin("http://a/");
  feed(nowhere, "HTTP/1.1 301 M\r\nContent-Length: 0\r\n\r\n");
  CHECK_FALSE(nowhere.follow_redirect());
}

TEST_CASE("pins of a URL are those of its server, and no redirect brings others") {
  const auto pins_after = [](std::string_view location) {
    Exchange exchange = begin("https://a/x#pin=SHA256:one");
    feed(exchange,
         "HTTP/1.1 301 M\r\nLocation: " + std::string(location) + "\r\nContent-Length: 0\r\n\r\n");
    REQUIRE(exchange.follow_redirect() == true);
    return exchange.url().pins;
  };
  CHECK(pins_after("/y") == "SHA256:one");
  CHECK(pins_after("https://a/y") == "SHA256:one");
  CHECK(pins_after("https://a/y#pin=SHA256:two") == "SHA256:one");
  CHECK(pins_after("https://a:444/y") == "");
  CHECK(pins_after("https://b/y#pin=SHA256:two") == "");
}

TEST_CASE("a local socket follows no redirect") {
  Exchange exchange = begin("http://local/", {.unix_socket_path = "/run/x"});
  feed(exchange, "HTTP/1.1 301 M\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n");
  CHECK(exchange.follow_redirect() == false);
}

TEST_CASE("errors name the place they are about, without the query") {
  const Exchange exchange = begin("http://host:8998/announce?info_hash=%00");
  CHECK(exchange.in_context({ErrorCode::network, "went wrong"}).text ==
        "http://host:8998/announce: went wrong");
  CHECK(begin("http://local/status", {.unix_socket_path = "/run/m"})
            .in_context({ErrorCode::network, "went wrong"})
            .text == "/run/m: went wrong");
}

TEST_CASE("of a name's addresses those of the bound address's kind are tried") {
  const IpAddress v4 = *IpAddress::parse("192.0.2.1");
  const IpAddress v6 = *IpAddress::parse("2001:db8::1");
  CHECK(*reachable_from({v4, v6}, std::nullopt) == std::vector{v4, v6});
  CHECK(*reachable_from({v6, v4}, *IpAddress::parse("127.0.0.2")) == std::vector{v4});
  CHECK(*reachable_from({v6, v4}, *IpAddress::parse("0.0.0.0")) == std::vector{v6, v4});
  CHECK_FALSE(reachable_from({v4}, v6));
}
