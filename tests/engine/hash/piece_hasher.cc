#include "engine/hash/piece_hasher.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "../../content.h"

using namespace murder;
using namespace murder::hash;

namespace {

// Every digest of the batch is that of OpenSSL.
void check_batch(const Sha1Choice& choice, const std::vector<std::vector<uint8_t>>& stored) {
  const std::vector<std::span<const uint8_t>> inputs(stored.begin(), stored.end());
  std::vector<Sha1Digest> digests(stored.size());
  PieceHasher(choice).hash_batch(inputs, digests);
  for (size_t index = 0; index < stored.size(); ++index) {
    CHECK(digests[index] == sha1(inputs[index]));
  }
}

const std::vector<std::string> names = {"", "openssl", "avx2", "avx512", "sha-ni", "armv8"};

}  // namespace

TEST_CASE("every kernel of this CPU agrees with OpenSSL on random inputs of any length") {
  std::set<std::string_view> tried;
  Prng prng(1);
  for (const std::string& name : names) {
    const Sha1Choice choice = choose_sha1(name);
    tried.insert(choice.name);
    for (uint32_t count = 1; count <= 2 * PieceHasher::batch_max + 1; ++count) {
      const size_t bytes = prng.below(1000);
      std::vector<std::vector<uint8_t>> stored;
      for (uint32_t index = 0; index < count; ++index) {
        stored.push_back(random_bytes(prng, bytes));
      }
      check_batch(choice, stored);
    }
  }
  std::string kernels = "SHA-1 kernels of this CPU:";
  for (const std::string_view name : tried) {
    kernels.append(" ").append(name);
  }
  MESSAGE(kernels);
}

TEST_CASE("every length around a block's has its end") {
  Prng prng(2);
  for (const std::string& name : names) {
    const Sha1Choice choice = choose_sha1(name);
    for (size_t bytes = 0; bytes <= 3 * sha1_block_bytes; ++bytes) {
      check_batch(choice, std::vector(PieceHasher::batch_max, random_bytes(prng, bytes)));
    }
  }
}

TEST_CASE("a batch may mix lengths, and an input may lie at any address") {
  Prng prng(3);
  const std::vector<uint8_t> bytes = random_bytes(prng, 40000);
  for (const std::string& name : names) {
    const Sha1Choice choice = choose_sha1(name);
    for (int round = 0; round < 30; ++round) {
      std::vector<std::span<const uint8_t>> inputs;
      for (uint32_t index = 0; index < prng.below(40); ++index) {
        const size_t size = prng.below(3) == 0 ? prng.below(130) : 16384;
        inputs.push_back(std::span(bytes).subspan(prng.below(20000), size));
      }
      std::vector<Sha1Digest> digests(inputs.size());
      PieceHasher(choice).hash_batch(inputs, digests);
      for (size_t index = 0; index < inputs.size(); ++index) {
        CHECK(digests[index] == sha1(inputs[index]));
      }
    }
  }
}
