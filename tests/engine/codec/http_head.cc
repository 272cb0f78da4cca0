#include "engine/codec/http_head.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "engine/base/types.h"
#include "engine/codec/bounds.h"

using murder::as_bytes_of;
using murder::ErrorCode;
using murder::codec::append_request_head;
using murder::codec::append_response_head;
using murder::codec::BodyKind;
using murder::codec::HeaderField;
using murder::codec::parse_request_head;
using murder::codec::parse_response_head;
using murder::codec::RequestHead;
using murder::codec::ResponseHead;
namespace limits = murder::limits;

namespace {

RequestHead request(std::string_view text) {
  const auto head = parse_request_head(as_bytes_of(text));
  REQUIRE(head);
  REQUIRE(head->has_value());
  return **head;
}

ResponseHead response(std::string_view text) {
  const auto head = parse_response_head(as_bytes_of(text));
  REQUIRE(head);
  REQUIRE(head->has_value());
  return **head;
}

// The error that a request is refused with; a request that is not must not reach here.
ErrorCode refusal(std::string_view text) {
  const auto head = parse_request_head(as_bytes_of(text));
  REQUIRE_FALSE(head);
  return head.error().code;
}

}  // namespace

TEST_CASE("a request is taken apart") {
  const std::string_view text =
      "GET /announce?info_hash=%00 HTTP/1.1\r\nHost: a:80\r\nUser-Agent:  x y "
      "\t\r\nEmpty:\r\n\r\nbody";
  const RequestHead head = request(text);
  CHECK(head.method == "GET");
  CHECK(head.path == "/announce");
  CHECK(head.query == "info_hash=%00");
  CHECK(head.minor_version == 1);
  CHECK(head.keep_alive);
  CHECK(head.body == BodyKind::none);
  CHECK(text.substr(head.head_bytes) == "body");
  CHECK(head.fields.find("uSER-aGENT") == "x y");
  CHECK(head.fields.find("empty") == "");
  CHECK_FALSE(head.fields.find("missing"));
  CHECK(head.fields.all().size() == 3);
}

TEST_CASE("every cut of a head asks for more, and no cut is an error") {
  const std::string text = "\r\nPOST /stop HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    const auto head = parse_request_head(as_bytes_of(text).first(size));
    REQUIRE(head);
    CHECK_FALSE(head->has_value());
  }
  CHECK(request(text).head_bytes == text.size());
  const std::string reply = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n";
  for (size_t size = 0; size < reply.size(); ++size) {
    const auto head = parse_response_head(as_bytes_of(reply).first(size));
    REQUIRE(head);
    CHECK_FALSE(head->has_value());
  }
}

TEST_CASE("lines may end in LF alone") {
  const RequestHead head = request("GET / HTTP/1.0\nHost: a\n\n");
  CHECK(head.fields.find("host") == "a");
  CHECK_FALSE(head.keep_alive);
}

TEST_CASE("targets have a path, also absolute ones") {
  CHECK(request("GET http://a:80/b?c HTTP/1.1\r\n\r\n").path == "/b");
  CHECK(request("GET http://a:80/b?c HTTP/1.1\r\n\r\n").query == "c");
  CHECK(request("GET http://a HTTP/1.1\r\n\r\n").path == "/");
  CHECK(request("GET http://a?q HTTP/1.1\r\n\r\n").query == "q");
  CHECK(request("OPTIONS * HTTP/1.1\r\n\r\n").path == "*");
  CHECK(request("GET /a://b HTTP/1.1\r\n\r\n").path == "/a://b");
  CHECK(request("GET /? HTTP/1.1\r\n\r\n").query == "");
}

TEST_CASE("garbage is refused as invalid") {
  for (const char* text :
       {"GET\r\n\r\n", "GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / x HTTP/1.1\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n", "GET a HTTP/1.1\r\n\r\n", "GET / HTTP/1\r\n\r\n",
        "GET / http/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\n: v\r\n\r\n",
        "GET / HTTP/1.1\r\nA : v\r\n\r\n", "GET / HTTP/1.1\r\nA: v\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\rX: y\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\n\r\n",
        "\x13"
        "BitTorrent protocol",
        "\x16\x03\x01"}) {
    CAPTURE(text);
    CHECK(refusal(text) == ErrorCode::invalid_input);
  }
  CHECK(refusal(std::string_view("GET /\0 HTTP/1.1\r\n\r\n", 19)) == ErrorCode::invalid_input);
  CHECK(refusal("GET / HTTP/2.0\r\n\r\n") == ErrorCode::unsupported);
}

TEST_CASE("long heads and many fields are refused as beyond the limit") {
  const std::string start = "GET / HTTP/1.1\r\n";
  CHECK(refusal(start + "A: " + std::string(limits::http_head_bytes_max, 'x')) == ErrorCode::limit);
  CHECK(refusal(std::string(limits::http_head_bytes_max, '\n')) == ErrorCode::limit);
  std::string fields;
  for (uint32_t count = 0; count < limits::http_fields_max; ++count) {
    fields += "A: b\r\n";
  }
  CHECK(request(start + fields + "\r\n").fields.all().size() == limits::http_fields_max);
  CHECK(refusal(start + fields + "A: b\r\n\r\n") == ErrorCode::limit);
  // The last byte of the longest head counts.
  const std::string frame = start + "A: \r\n\r\n";
  const std::string longest =
      start + "A: " + std::string(limits::http_head_bytes_max - frame.size(), 'x') + "\r\n\r\n";
  CHECK(request(longest).head_bytes == limits::http_head_bytes_max);
}

TEST_CASE("bodies are framed by one length or by chunks, never by both") {
  const std::string start = "POST / HTTP/1.1\r\n";
  CHECK(request(start + "Content-Length: 12\r\n\r\n").body == BodyKind::sized);
  CHECK(request(start + "Content-Length: 12\r\n\r\n").body_bytes == 12);
  CHECK(request(start + "Content-Length: 0\r\n\r\n").body == BodyKind::none);
  CHECK(request(start + "Content-Length: 5\r\ncontent-length: 5\r\n\r\n").body_bytes == 5);
  CHECK(request(start + "Transfer-Encoding: Chunked\r\n\r\n").body == BodyKind::chunked);
  for (const char* fields :
       {"Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: -1\r\n",
        "Content-Length: +1\r\n", "Content-Length: 0x1\r\n", "Content-Length:\r\n",
        "Content-Length: 1 2\r\n", "Content-Length: 5, 5\r\n",
        "Content-Length: 18446744073709551616\r\n", "Content-Length: 9223372036854775808\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"}) {
    CAPTURE(fields);
    CHECK(refusal(start + fields + "\r\n") == ErrorCode::invalid_input);
  }
  CHECK(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") ==
        ErrorCode::invalid_input);
  CHECK(refusal(start + "Transfer-Encoding: gzip, chunked\r\n\r\n") == ErrorCode::unsupported);
}

TEST_CASE("connections stay open as the version and the fields say") {
  CHECK(request("GET / HTTP/1.1\r\n\r\n").keep_alive);
  CHECK_FALSE(request("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n").keep_alive);
  CHECK_FALSE(request("GET / HTTP/1.1\r\nConnection: TE, close\r\n\r\n").keep_alive);
  CHECK_FALSE(
      request("GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n").keep_alive);
  CHECK_FALSE(request("GET / HTTP/1.0\r\n\r\n").keep_alive);
  CHECK(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

TEST_CASE("replies are taken apart") {
  const ResponseHead head =
      response("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n");
  CHECK(head.status == 404);
  CHECK(head.reason == "Not Found");
  CHECK(head.body == BodyKind::sized);
  CHECK(head.body_bytes == 9);
  CHECK(head.keep_alive);
  CHECK(response("HTTP/1.1 200\r\n\r\n").body == BodyKind::until_close);
  CHECK_FALSE(response("HTTP/1.1 200 \r\n\r\n").keep_alive);
  CHECK(response("HTTP/1.1 204 x\r\n\r\n").body == BodyKind::none);
  CHECK(response("HTTP/1.1 100 Continue\r\n\r\n").body == BodyKind::none);
  CHECK(response("HTTP/1.1 304 x\r\nContent-Length: 7\r\n\r\n").body_bytes == 0);
  CHECK(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").body ==
        BodyKind::chunked);
  for (const char* text :
       {"HTTP/1.1\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n",
        "HTTP/1.1 2000 x\r\n\r\n", "HTTP/1.1  200 x\r\n\r\n", "HTTP/1.1 -20 x\r\n\r\n",
        "ICY 200 OK\r\n\r\n", "220 ftp\r\n\r\n", "HTTP/1.1_200 OK\r\n\r\n"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_response_head(as_bytes_of(text)));
  }
}

TEST_CASE("written heads read back") {
  const std::array<HeaderField, 1> fields = {{{"Location", "/x"}}};
  std::string text;
  append_request_head(text, {.method = "POST",
                             .target = "/a?b",
                             .host = "h:81",
                             .content_bytes = 7,
                             .keep_alive = false,
                             .fields = fields});
  CHECK(text ==
        "POST /a?b HTTP/1.1\r\nHost: h:81\r\nContent-Length: 7\r\nConnection: close\r\n"
        "Location: /x\r\n\r\n");
  const RequestHead head = request(text);
  CHECK(head.query == "b");
  CHECK(head.body_bytes == 7);
  CHECK_FALSE(head.keep_alive);
  text.clear();
  append_response_head(text, {.status = 200, .content_type = "text/plain", .content_bytes = 2});
  CHECK(text ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
        "Connection: keep-alive\r\n\r\n");
  CHECK(response(text).body_bytes == 2);
}
