#include "engine/trust/hmac.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/base/types.h"

using namespace murder;
using namespace murder::trust;

namespace {

std::string hex_of(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4U]);
    text.push_back("0123456789abcdef"[byte & 15U]);
  }
  return text;
}

std::vector<uint8_t> counted(uint8_t from, size_t count) {
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) {
    byte = from++;
  }
  return bytes;
}

}  // namespace

TEST_CASE("HMAC-SHA256 gives what RFC 4231 lists") {
  CHECK(hex_of(hmac_sha256(as_bytes_of("Jefe"), as_bytes_of("what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex_of(hmac_sha256(std::vector<uint8_t>(20, 0x0b), as_bytes_of("Hi There"))) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  const std::string_view long_key = "Test Using Larger Than Block-Size Key - Hash Key First";
  CHECK(hex_of(hmac_sha256(std::vector<uint8_t>(131, 0xaa), as_bytes_of(long_key))) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("HMAC-SHA1 gives what RFC 2202 lists") {
  CHECK(hex_of(hmac_sha1(as_bytes_of("Jefe"), as_bytes_of("what do ya want for nothing?")).bytes) ==
        "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  const std::string_view long_key = "Test Using Larger Than Block-Size Key - Hash Key First";
  CHECK(hex_of(hmac_sha1(std::vector<uint8_t>(80, 0xaa), as_bytes_of(long_key)).bytes) ==
        "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

TEST_CASE("HKDF-SHA256 gives the first 32 bytes of what RFC 5869 lists") {
  const std::vector<uint8_t> info = counted(0xf0, 10);
  CHECK(hex_of(hkdf_sha256(std::vector<uint8_t>(22, 0x0b), counted(0, 13), as_text_of(info))) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  CHECK(hex_of(hkdf_sha256(std::vector<uint8_t>(22, 0x0b), {}, "")) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST_CASE("bytes are the same when all of them are, and there are as many") {
  const std::vector<uint8_t> bytes = counted(1, 32);
  CHECK(is_same(bytes, counted(1, 32)));
  CHECK(!is_same(bytes, counted(1, 31)));
  CHECK(!is_same(bytes, {}));
  for (size_t index = 0; index < bytes.size(); ++index) {
    std::vector<uint8_t> other = bytes;
    other[index] ^= 0x80U;
    CHECK(!is_same(bytes, other));
  }
}
