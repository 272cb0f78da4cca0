#include "tracker/announcer_address.h"

#include <doctest/doctest.h>

#include "values.h"

using namespace murder;
using namespace murder::tracker;
using murder::test::address;

namespace {

codec::AnnounceRequest request_on(uint16_t port) {
  return {.port = port};
}

}  // namespace

TEST_CASE("a peer's address is where its announce comes from") {
  const AnnouncerAddress result = announcer_address(request_on(6881), address("192.0.2.7"));
  CHECK(result.endpoint.text() == "192.0.2.7:6881");
  CHECK_FALSE(result.alias.has_value());
}

TEST_CASE("what a peer says of its address counts from a private address only") {
  codec::AnnounceRequest request = request_on(6881);
  request.ip = address("198.51.100.9");
  for (const char* trusted : {"127.0.0.1", "10.1.2.3", "192.168.0.4", "::1", "fd00::1"}) {
    CHECK(announcer_address(request, address(trusted)).endpoint.text() == "198.51.100.9:6881");
  }
  CHECK(announcer_address(request, address("203.0.113.5")).endpoint.text() == "203.0.113.5:6881");
  CHECK(announcer_address(request, address("2001:db8::5")).endpoint.text() == "[2001:db8::5]:6881");
}

TEST_CASE("an address that no host can have is ignored") {
  for (const char* bad : {"0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1"}) {
    codec::AnnounceRequest request = request_on(1);
    request.ip = address(bad);
    request.ipv6 = Endpoint{.address = address("ff02::1"), .port = 2};
    const AnnouncerAddress result = announcer_address(request, address("10.0.0.1"));
    CHECK(result.endpoint.text() == "10.0.0.1:1");
    CHECK_FALSE(result.alias.has_value());
  }
}

TEST_CASE("an address of the other family is an alias, with the announced port if it has none") {
  codec::AnnounceRequest request = request_on(6881);
  request.ipv6 = Endpoint{.address = address("2001:db8::7"), .port = 0};
  AnnouncerAddress result = announcer_address(request, address("10.0.0.1"));
  CHECK(result.endpoint.text() == "10.0.0.1:6881");
  REQUIRE(result.alias.has_value());
  CHECK(result.alias->text() == "[2001:db8::7]:6881");

  request.ipv6->port = 7000;
  result = announcer_address(request, address("10.0.0.1"));
  CHECK(result.alias->text() == "[2001:db8::7]:7000");

  CHECK_FALSE(announcer_address(request, address("192.0.2.7")).alias.has_value());
}

TEST_CASE("an address of the same family takes the place of the one seen, ip before ipv4") {
  codec::AnnounceRequest request = request_on(6881);
  request.ipv4 = Endpoint{.address = address("10.9.9.9"), .port = 0};
  CHECK(announcer_address(request, address("10.0.0.1")).endpoint.text() == "10.9.9.9:6881");
  request.ip = address("10.8.8.8");
  CHECK(announcer_address(request, address("10.0.0.1")).endpoint.text() == "10.8.8.8:6881");
}

TEST_CASE("a loopback address counts only from a host that has it: the tracker's own") {
  codec::AnnounceRequest request = request_on(6881);
  for (const char* loopback : {"127.0.0.1", "127.9.8.7", "::1"}) {
    request.ip = address(loopback);
    CHECK(announcer_address(request, address("10.0.0.1")).endpoint.text() == "10.0.0.1:6881");
  }
  CHECK(announcer_address(request, address("127.0.0.1")).endpoint.text() == "[::1]:6881");
}

TEST_CASE("who announces from loopback is reached where the asker reaches the tracker") {
  const Endpoint peer{.address = address("127.0.1.1"), .port = 6881};
  const auto seen_by = [&](const char* remote, const char* local) {
    return endpoint_for({address(remote), address(local)}, peer).text();
  };
  CHECK(seen_by("10.0.0.9", "10.0.0.1") == "10.0.0.1:6881");
  CHECK(seen_by("192.0.2.9", "192.0.2.1") == "192.0.2.1:6881");
  CHECK(seen_by("2001:db8::9", "2001:db8::1") == "[2001:db8::1]:6881");
  CHECK(seen_by("::ffff:10.0.0.9", "::ffff:10.0.0.1") == "10.0.0.1:6881");

  INFO("the tracker's own host, and the hosts of a test that all have an address of 127.0.0.0/8");
  CHECK(seen_by("127.0.0.1", "127.0.1.1") == "127.0.1.1:6881");
  CHECK(seen_by("127.9.0.3", "127.0.0.1") == "127.0.1.1:6881");
  CHECK(seen_by("::1", "::1") == "127.0.1.1:6881");

  INFO("what is not known changes nothing, and others are where they say");
  CHECK(endpoint_for(address("10.0.0.9"), peer) == peer);
  CHECK(seen_by("10.0.0.9", "127.0.0.1") == "127.0.1.1:6881");
  const Endpoint other{.address = address("10.0.0.7"), .port = 6881};
  CHECK(endpoint_for({address("10.0.0.9"), address("10.0.0.1")}, other) == other);
  const Endpoint v6{.address = address("::1"), .port = 7};
  CHECK(endpoint_for({address("10.0.0.9"), address("10.0.0.1")}, v6).text() == "10.0.0.1:7");
}
