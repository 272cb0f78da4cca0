#include "engine/policy/address_book.h"

#include <doctest/doctest.h>

using murder::Instant;
using murder::IpAddress;
using murder::policy::AddressBook;
using namespace std::chrono_literals;

namespace {

IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

}  // namespace

TEST_CASE("an address that offends waits longer each time, and is distrusted for ten minutes") {
  AddressBook book(8);
  const IpAddress one = address("10.0.0.1");
  CHECK_FALSE(book.waits(one, Instant{1s}));
  CHECK_FALSE(book.is_distrusted(one, Instant{1s}));
  book.offended(one, Instant{1s});
  CHECK(book.waits(one, Instant{1999ms}));
  CHECK_FALSE(book.waits(one, Instant{2s}));
  book.offended(one, Instant{2s});
  CHECK(book.waits(one, Instant{3999ms}));
  CHECK_FALSE(book.waits(one, Instant{4s}));
  CHECK(book.is_distrusted(one, Instant{601s}));
  CHECK_FALSE(book.is_distrusted(one, Instant{603s}));
  CHECK_FALSE(book.waits(address("10.0.0.2"), Instant{2s}));
  for (int count = 0; count < 100; ++count) {
    book.offended(one, Instant{5s});
  }
  CHECK(book.waits(one, Instant{68s}));
  CHECK_FALSE(book.waits(one, Instant{70s}));
  CHECK(book.check() == "");
}

TEST_CASE("an address at which somebody was of use is distrusted and does not wait") {
  AddressBook book(8);
  const IpAddress one = address("10.0.0.1");
  book.offended(one, Instant{1s});
  book.proved(one);
  CHECK_FALSE(book.waits(one, Instant{1s}));
  CHECK(book.is_distrusted(one, Instant{1s}));
  book.proved(address("10.0.0.2"));  // nothing is known of it
  CHECK(book.size() == 1);
}

TEST_CASE("three lies bar an address") {
  AddressBook book(8);
  const IpAddress one = address("10.0.0.1");
  book.lied(one, Instant{1s});
  book.lied(one, Instant{1s});
  CHECK_FALSE(book.is_barred(one));
  book.offended(one, Instant{1s});
  CHECK_FALSE(book.is_barred(one));
  book.lied(one, Instant{1s});
  CHECK(book.is_barred(one));
  CHECK_FALSE(book.is_barred(address("10.0.0.2")));
  CHECK(book.check() == "");
}

TEST_CASE("IPv6 counts by /64, IPv4 by the whole address") {
  AddressBook book(8);
  book.offended(address("2001:db8::1"), Instant{1s});
  CHECK(book.waits(address("2001:db8::ffff:1:2:3"), Instant{1s}));
  CHECK_FALSE(book.waits(address("2001:db8:0:1::1"), Instant{1s}));
  book.offended(address("10.0.0.1"), Instant{1s});
  CHECK(book.size() == 2);
  CHECK_FALSE(book.waits(address("10.0.0.2"), Instant{1s}));
}

TEST_CASE("when it is full, the address that offended longest ago makes way") {
  AddressBook book(2);
  book.offended(address("10.0.0.1"), Instant{2s});
  book.offended(address("10.0.0.2"), Instant{1s});
  book.offended(address("10.0.0.3"), Instant{3s});
  CHECK(book.size() == 2);
  CHECK(book.is_distrusted(address("10.0.0.1"), Instant{3s}));
  CHECK_FALSE(book.is_distrusted(address("10.0.0.2"), Instant{3s}));
  CHECK(book.check() == "");
}
