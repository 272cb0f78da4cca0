#include "engine/tls/server_trust.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/tls/bounds.h"

using namespace murder;
using namespace murder::tls;

namespace {

const std::string zeros = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

}  // namespace

TEST_CASE("pins read as they print, with and without padding") {
  const auto pins = parse_pins(zeros);
  REQUIRE(pins);
  REQUIRE(pins->size() == 1);
  CHECK(pins->front() == KeyPin{});
  CHECK(pin_text(pins->front()) == zeros);
  KeyPin other{};
  other.fill(0xfe);
  const auto both = parse_pins(zeros + "=," + pin_text(other));
  REQUIRE(both);
  CHECK(*both == std::vector<KeyPin>{KeyPin{}, other});
  CHECK(parse_pins("")->empty());
}

TEST_CASE("what pins no key is an error that says what to write") {
  std::string many;
  for (size_t count = 0; count <= limits::pins_max; ++count) {
    many += (count == 0 ? "" : ",") + zeros;
  }
  for (const std::string& text :
       {std::string("SHA256:"), std::string("SHA256:AAAA"), zeros.substr(7), zeros + "A",
        std::string("MD5:AAAA"), std::string(","), "," + zeros, zeros + ",x", many,
        std::string("SHA256:") + std::string(43, '\xff')}) {
    CAPTURE(text);
    const auto pins = parse_pins(text);
    REQUIRE_FALSE(pins);
    CHECK(pins.error().code == ErrorCode::invalid_input);
    CHECK(pins.error().text.find("openssl pkey") != std::string::npos);
  }
}

TEST_CASE("authorities of the host are those that the environment names, and no others") {
  setenv("SSL_CERT_FILE", "/does/not/exist.pem", 1);
  CHECK(authorities_place() == "/does/not/exist.pem");
  CHECK(client_context(true));  // a pin needs none
  CHECK_FALSE(client_context(false));
  CHECK(client_context(false).error().text.find("/does/not/exist.pem") != std::string::npos);
  unsetenv("SSL_CERT_FILE");
  CHECK(authorities_place() != "/does/not/exist.pem");
}
