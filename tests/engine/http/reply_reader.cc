#include "engine/http/reply_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "engine/base/types.h"

using namespace murder;
using namespace murder::http;

namespace {

// Feeds the text in two parts; the error, or the body.
std::string read_cut(std::string_view text, size_t cut, bool end) {
  ReplyReader reader(1000);
  for (const std::string_view part : {text.substr(0, cut), text.substr(cut)}) {
    if (const Status status = reader.feed(as_bytes_of(part)); !status) {
      return "error: " + status.error().text;
    }
  }
  if (end) {
    if (const Status status = reader.feed_end(); !status) {
      return "error: " + status.error().text;
    }
  }
  return reader.is_done() ? std::to_string(reader.status()) + " " + reader.take_body()
                          : "incomplete";
}

void check_all_cuts(std::string_view text, bool end, std::string_view expected) {
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    CHECK(read_cut(text, cut, end) == expected);
  }
}

}  // namespace

TEST_CASE("a body of known length, in chunks, until the close, or none, cut anywhere") {
  check_all_cuts("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, "200 hello");
  check_all_cuts(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: "
      "r\r\n\r\n",
      false, "200 hello");
  check_all_cuts("HTTP/1.0 200 OK\r\n\r\nhello", true, "200 hello");
  check_all_cuts("HTTP/1.1 204 No Content\r\n\r\n", false, "204 ");
  check_all_cuts("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", false, "500 ");
}

TEST_CASE("a reply of 100 is passed over") {
  check_all_cuts("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                 false, "200 ok");
}

TEST_CASE("a reply that ends early is an error that says where") {
  CHECK(read_cut("", 0, true) == "error: the connection was closed without an answer");
  CHECK(read_cut("HTTP/1.1 2", 3, true) ==
        "error: the connection was closed amid the answer's head");
  CHECK(read_cut("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 40, true) ==
        "error: the connection was closed amid the answer's body, after 3 bytes");
  CHECK(read_cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhe", 40, true)
            .starts_with("error: the connection was closed amid the answer's body"));
}

TEST_CASE("a body over the bound is an error, however its length is told") {
  const std::string large(1001, 'x');
  CHECK(read_cut("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 5, false)
            .starts_with("error: the body has 1001 bytes"));
  CHECK(read_cut("HTTP/1.1 200 OK\r\n\r\n" + large, 100, true)
            .starts_with("error: the body has more than"));
  CHECK(read_cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + large, 100, false)
            .starts_with("error: the body has more than"));
  CHECK(read_cut("HTTP/1.1 200 OK\r\n\r\n" + large.substr(1), 100, true).size() == 1004);
}

TEST_CASE("what is not HTTP is an error") {
  CHECK(read_cut("SSH-2.0-OpenSSH\r\n\r\n", 7, false).starts_with("error: "));
  CHECK(read_cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 30, false)
            .starts_with("error: "));
  CHECK(read_cut("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'a'), 50'000, false)
            .starts_with("error: "));
}
