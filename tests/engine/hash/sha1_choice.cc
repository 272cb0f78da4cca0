#include "engine/hash/sha1_choice.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "../../content.h"
#include "engine/hash/sha1.h"
#include "engine/hash/sha1_end.h"

using namespace murder;
using namespace murder::hash;

TEST_CASE("a family that is wished for is taken alone when the CPU has it, else the best one is") {
  const std::string available = available_sha1_families();
  const Sha1Choice best = choose_sha1("");
  CHECK(best.wish == Sha1Wish::none);
  for (const char* name : {"openssl", "avx2", "avx512", "sha-ni", "armv8"}) {
    const Sha1Choice choice = choose_sha1(name);
    const bool is_available = available.find(name) != std::string::npos;
    CHECK(choice.wish == (is_available ? Sha1Wish::met : Sha1Wish::unavailable));
    CHECK(choice.name == (is_available ? name : best.name));
    CHECK((choice.kernel_count == 0) == (choice.name == "openssl"));
    CHECK(known_sha1_families().find(name) != std::string::npos);
  }
}

TEST_CASE("a name that is no family is told from one that this CPU lacks") {
  CHECK(choose_sha1("avx9").wish == Sha1Wish::unknown);
  CHECK(choose_sha1("AVX2").wish == Sha1Wish::unknown);
  CHECK(choose_sha1("avx9").name == choose_sha1("").name);
}

TEST_CASE("every choice has kernels of fewer and fewer lanes, and a last one of one") {
  for (const char* name : {"", "openssl", "avx2", "avx512", "sha-ni", "armv8"}) {
    const Sha1Choice choice = choose_sha1(name);
    for (size_t index = 1; index < choice.kernel_count; ++index) {
      CHECK(choice.kernels[index].lanes < choice.kernels[index - 1].lanes);
    }
    CHECK(choice.lanes_best() >= choice.lanes_min());
    CHECK(choice.single.lanes == 1);
  }
}

TEST_CASE("a state can pass from any kernel to OpenSSL's and back") {
  Prng prng(4);
  constexpr size_t block_count = 7;
  const std::vector<uint8_t> bytes = random_bytes(prng, block_count * sha1_block_bytes);
  for (const char* name : {"", "openssl", "avx2", "avx512", "sha-ni", "armv8"}) {
    const Sha1Choice choice = choose_sha1(name);
    Sha1State state = sha1_initial_state;
    for (size_t number = 0; number < block_count; ++number) {
      const Sha1Kernel kernel = number % 2 == 0 ? choice.single : sha1_kernel_openssl();
      const uint8_t* place = bytes.data() + number * sha1_block_bytes;
      kernel.advance(&state, &place, 1);
    }
    const MessageEnd end({}, bytes.size());
    const uint8_t* place = end.bytes.data();
    choice.single.advance(&state, &place, end.block_count);
    CHECK(digest_of(state) == sha1(bytes));
  }
}

TEST_CASE("what a choice is described by names each family with its lanes") {
  const Sha1Kernel wide{.name = "wide", .lanes = 16, .advance = nullptr};
  const Sha1Kernel four{.name = "narrow", .lanes = 4, .advance = nullptr};
  const Sha1Kernel one{.name = "narrow", .lanes = 1, .advance = nullptr};
  CHECK(describe({.name = "wide", .kernels = {wide, four}, .kernel_count = 2, .single = one}) ==
        "wide (16), narrow (4, 1 at once)");
  CHECK(describe({.name = "openssl", .kernels = {}, .single = sha1_kernel_openssl()}) ==
        "openssl (1 at once)");
}
