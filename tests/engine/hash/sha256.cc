#include "engine/hash/sha256.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../../content.h"
#include "engine/base/types.h"

using murder::as_bytes_of;
using murder::Prng;
using murder::hash::sha256;
using murder::hash::Sha256Digest;
using murder::hash::Sha256Stream;

TEST_CASE("SHA-256 gives the digests of the NIST examples") {
  CHECK(sha256({}).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256(as_bytes_of("abc")).hex() ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(as_bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).hex() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(as_bytes_of(std::string(1000000, 'a'))).hex() ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a stream gives the digest of its parts, whatever they are, and begins anew") {
  Prng prng(1);
  Sha256Stream stream;
  for (int round = 0; round < 20; ++round) {
    const std::vector<uint8_t> bytes = random_bytes(prng, prng.below(5000));
    std::span<const uint8_t> rest = bytes;
    while (!rest.empty()) {
      const size_t part = 1 + prng.below(static_cast<uint32_t>(rest.size()));
      stream.update(rest.first(part));
      rest = rest.subspan(part);
    }
    CHECK(stream.size_bytes() == bytes.size());
    CHECK(stream.finish() == sha256(bytes));
    CHECK(stream.size_bytes() == 0);
  }
}

TEST_CASE("a digest has one text, and nothing else is one") {
  const Sha256Digest digest = sha256(as_bytes_of("abc"));
  CHECK(Sha256Digest::from_hex(digest.hex()) == digest);
  std::string upper = digest.hex();
  upper[0] = 'B';
  for (const std::string& text :
       {std::string(), digest.hex().substr(1), digest.hex() + "0", upper, std::string(64, 'g')}) {
    CAPTURE(text);
    CHECK_FALSE(Sha256Digest::from_hex(text));
  }
}
