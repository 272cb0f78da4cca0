#include "engine/tls/traffic_keys.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "engine/base/types.h"

using namespace murder;
using namespace murder::tls;

namespace {

TrafficSecret secret_of(std::string_view hex) {
  TrafficSecret secret{};
  for (size_t index = 0; index < secret.size(); ++index) {
    secret[index] =
        static_cast<uint8_t>(std::stoi(std::string(hex.substr(2 * index, 2)), nullptr, 16));
  }
  return secret;
}

std::string hex_of(std::span<const uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex.push_back(digits[byte >> 4U]);
    hex.push_back(digits[byte & 15U]);
  }
  return hex;
}

}  // namespace

// RFC 8448, section 3: what client and server send application data by.
TEST_CASE("keys of records are those of the published example") {
  const RecordKey client =
      record_key_of(Suite::aes_128_gcm,
                    secret_of("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"));
  CHECK(client.key_bytes == 16);
  CHECK(hex_of(std::span(client.key).first(16)) == "17422dda596ed5d9acd890e3c63f5051");
  CHECK(hex_of(client.nonce) == "5b78923dee08579033e523d9");
  const RecordKey server =
      record_key_of(Suite::aes_128_gcm,
                    secret_of("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"));
  CHECK(hex_of(std::span(server.key).first(16)) == "9f02283b6c9c07efc26bb9f2ac92e356");
  CHECK(hex_of(server.nonce) == "cf782b88dd83549aadf1e984");
}

TEST_CASE("the other suite has longer keys, and the next secret other ones") {
  const TrafficSecret secret{};
  const RecordKey chacha = record_key_of(Suite::chacha20_poly1305, secret);
  CHECK(chacha.key_bytes == 32);
  CHECK(std::any_of(chacha.key.begin() + 16, chacha.key.end(), [](uint8_t b) { return b != 0; }));
  const TrafficSecret next = next_secret(secret);
  CHECK(next != secret);
  CHECK(record_key_of(Suite::chacha20_poly1305, next).key != chacha.key);
  CHECK(next_secret(next) != next);
}
