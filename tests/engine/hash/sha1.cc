#include "engine/hash/sha1.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../../content.h"
#include "engine/hash/info_hash.h"

using murder::as_bytes_of;
using murder::Prng;
using murder::Sha1Digest;
using murder::hash::sha1;
using murder::hash::Sha1Streams;

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

TEST_CASE("streams of the process's choice give the same digests") {
  Prng prng(1);
  Sha1Streams streams(2, murder::hash::sha1_choice());
  for (int round = 0; round < 50; ++round) {
    const std::vector<uint8_t> one = random_bytes(prng, prng.below(5000));
    const std::vector<uint8_t> other = random_bytes(prng, prng.below(5000));
    streams.advance(std::vector<murder::hash::Part>{{.stream = 1, .bytes = one}, {.bytes = other}});
    CHECK(murder::hash::digest_of(streams, 1) == sha1(one));
    CHECK(murder::hash::digest_of(streams, 0) == sha1(other));
  }
}

TEST_CASE("the info hash is the SHA-1 of the info dictionary's bytes") {
  CHECK(murder::hash::info_hash_of(as_bytes_of("abc")).hex() == sha1(as_bytes_of("abc")).hex());
}
