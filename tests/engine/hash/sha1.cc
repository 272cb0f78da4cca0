#include "engine/hash/sha1.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../../content.h"
#include "engine/hash/info_hash.h"

using murder::as_bytes_of;
using murder::Prng;
using murder::Sha1Digest;
using murder::hash::sha1;
using murder::hash::Sha1Stream;

namespace {}  // namespace

TEST_CASE("SHA-1 gives the digests of the NIST examples") {
  CHECK(sha1({}).hex() == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(sha1(as_bytes_of("abc")).hex() == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(sha1(as_bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).hex() ==
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(sha1(as_bytes_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                         "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"))
            .hex() == "a49b2446a02c645bf419f995b67091253a04a259");
  CHECK(sha1(as_bytes_of(std::string(1000000, 'a'))).hex() ==
        "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST_CASE("a stream gives the same digest however the bytes are cut, and starts anew after it") {
  Prng prng(1);
  Sha1Stream stream;
  for (int round = 0; round < 50; ++round) {
    const std::vector<uint8_t> bytes = random_bytes(prng, prng.below(5000));
    for (std::span<const uint8_t> rest = bytes; !rest.empty();) {
      const size_t part = std::min<size_t>(rest.size(), prng.below(300));
      stream.update(rest.first(part));
      rest = rest.subspan(part);
    }
    CHECK(stream.finish() == sha1(bytes));
  }
}

TEST_CASE("the info hash is the SHA-1 of the info dictionary's bytes") {
  CHECK(murder::hash::info_hash_of(as_bytes_of("abc")).hex() == sha1(as_bytes_of("abc")).hex());
}
