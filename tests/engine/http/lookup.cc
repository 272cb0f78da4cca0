#include "engine/http/lookup.h"

#include <doctest/doctest.h>
#include <poll.h>

using namespace murder;
using namespace murder::http;

TEST_CASE("a numeric address needs no resolver") {
  CHECK(look_up_blocking("192.0.2.7")->front().text() == "192.0.2.7");
  CHECK(look_up_blocking("2001:db8::1")->front().text() == "2001:db8::1");
}

TEST_CASE("localhost is found by the thread, which tells through its descriptor") {
  Result<Lookup*> lookup = Lookup::start("localhost");
  REQUIRE(lookup);
  pollfd item{.fd = (*lookup)->event_fd(), .events = POLLIN, .revents = 0};
  REQUIRE(poll(&item, 1, 20'000) == 1);
  REQUIRE((*lookup)->result());
  CHECK((*lookup)->result()->front().is_private());
  (*lookup)->release();
}

TEST_CASE("letting go before the result is there is safe") {
  for (int count = 0; count < 4; ++count) {
    Result<Lookup*> lookup = Lookup::start("localhost");
    if (lookup) {
      (*lookup)->release();
    }
  }
}

TEST_CASE("a name that cannot be is an error that names it") {
  const Result<std::vector<IpAddress>> addresses = look_up_blocking("no..such..name");
  REQUIRE_FALSE(addresses);
  CHECK(addresses.error().text.find("no..such..name") != std::string::npos);
}
