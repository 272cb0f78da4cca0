#include "engine/base/endpoint.h"

#include <doctest/doctest.h>

using murder::Endpoint;
using murder::HostPort;
using murder::IpAddress;

TEST_CASE("endpoints read and print both families") {
  CHECK(Endpoint::parse("127.0.0.1:80")->text() == "127.0.0.1:80");
  CHECK(Endpoint::parse("[::1]:6881")->text() == "[::1]:6881");
  CHECK_FALSE(Endpoint::parse("127.0.0.1"));
  CHECK_FALSE(Endpoint::parse("127.0.0.1:0"));
  CHECK_FALSE(Endpoint::parse("127.0.0.1:65536"));
  CHECK_FALSE(Endpoint::parse("host:80"));
  CHECK_FALSE(Endpoint::parse(""));
}

TEST_CASE("private addresses are those no router of the internet carries") {
  for (const char* text : {"127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
                           "100.64.0.1", "169.254.0.1", "::1", "fd00::1", "fe80::1"}) {
    CAPTURE(text);
    CHECK(IpAddress::parse(text)->is_private());
  }
  for (const char* text :
       {"8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2001:db8::1", "::"}) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text)->is_private());
  }
}

TEST_CASE("host and port are split, with the default port where none is named") {
  CHECK(HostPort::parse("tracker01", 8998) == HostPort{"tracker01", 8998});
  CHECK(HostPort::parse("tracker01:80", 8998) == HostPort{"tracker01", 80});
  CHECK(HostPort::parse("[::1]:80", 8998) == HostPort{"::1", 80});
  CHECK(HostPort::parse("::1", 8998) == HostPort{"::1", 8998});
  CHECK(HostPort{"::1", 80}.text() == "[::1]:80");
  for (const char* text : {"", ":80", "a:", "a:x", "a:99999", "a b", "[::1", "[::1]x", "a/b:80"}) {
    CAPTURE(text);
    CHECK_FALSE(HostPort::parse(text, 1));
  }
}
