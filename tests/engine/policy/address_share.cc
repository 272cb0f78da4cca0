#include "engine/policy/address_share.h"

#include <doctest/doctest.h>

using murder::IpAddress;
using murder::policy::idle_connections_max;
using murder::policy::shared_address;

TEST_CASE("of IPv6 a network of 64 bits is one address, of IPv4 each") {
  const auto is_shared = [](const char* one, const char* other) {
    return shared_address(*IpAddress::parse(one)) == shared_address(*IpAddress::parse(other));
  };
  CHECK(is_shared("2001:db8:1:2::7", "2001:db8:1:2:ffff::1"));
  CHECK_FALSE(is_shared("2001:db8:1:2::7", "2001:db8:1:3::7"));
  CHECK(is_shared("10.0.0.1", "10.0.0.1"));
  CHECK_FALSE(is_shared("10.0.0.1", "10.0.0.2"));
  CHECK_FALSE(is_shared("10.0.0.1", "192.168.0.1"));
}

TEST_CASE("an address may have an eighth of all places idle, and one for each host named there") {
  CHECK(idle_connections_max(0, 200) == 25);
  CHECK(idle_connections_max(7, 200) == 32);
  CHECK(idle_connections_max(1000, 200) == 100);  // a half is for others
  CHECK(idle_connections_max(UINT32_MAX, 200) == 100);
  CHECK(idle_connections_max(0, 16) == 4);
  CHECK(idle_connections_max(0, 1) == 4);
}
