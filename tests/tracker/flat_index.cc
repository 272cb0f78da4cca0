#include "tracker/flat_index.h"

#include <doctest/doctest.h>

#include <unordered_map>

#include "engine/base/prng.h"

using murder::Prng;
using murder::tracker::FlatIndex;

namespace {

uint32_t lookup(const FlatIndex& index, uint32_t hash, uint32_t reference) {
  return index.find(hash, [&](uint32_t other) { return other == reference; });
}

}  // namespace

TEST_CASE("an empty index finds nothing") {
  const FlatIndex index;
  CHECK(lookup(index, 7, 7) == FlatIndex::none);
}

TEST_CASE("items of one hash are told apart and survive each other's removal") {
  FlatIndex index;
  for (uint32_t reference = 0; reference < 10; ++reference) {
    index.insert(5, reference);
  }
  index.erase(5, 3);
  index.move(5, 9, 42);
  CHECK(lookup(index, 5, 3) == FlatIndex::none);
  CHECK(lookup(index, 5, 9) == FlatIndex::none);
  CHECK(lookup(index, 5, 42) == 42);
  CHECK(lookup(index, 5, 8) == 8);
  CHECK(index.size() == 9);
}

TEST_CASE("the index agrees with a map over many random changes") {
  FlatIndex index;
  std::unordered_map<uint32_t, uint32_t> hash_of_reference;
  Prng prng(1);
  uint32_t wrong = 0;
  for (uint32_t step = 0; step < 70'000; ++step) {
    const uint32_t reference = prng.below(1000);
    const auto found = hash_of_reference.find(reference);
    if (found == hash_of_reference.end()) {
      // Few different hashes, and all near the end of the table: long runs that wrap around.
      const uint32_t hash = 0xFFFFFFF0U + prng.below(64);
      index.insert(hash, reference);
      hash_of_reference.emplace(reference, hash);
    } else {
      wrong += lookup(index, found->second, reference) == reference ? 0 : 1;
      index.erase(found->second, reference);
      wrong += lookup(index, found->second, reference) == FlatIndex::none ? 0 : 1;
      hash_of_reference.erase(found);
    }
  }
  CHECK(wrong == 0);
  CHECK(index.size() == hash_of_reference.size());
  for (const auto& [reference, hash] : hash_of_reference) {
    wrong += lookup(index, hash, reference) == reference ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("an index that was emptied gives its memory back") {
  FlatIndex index;
  for (uint32_t reference = 0; reference < 1000; ++reference) {
    index.insert(reference * 77, reference);
  }
  for (uint32_t reference = 0; reference < 1000; ++reference) {
    index.erase(reference * 77, reference);
  }
  CHECK(index.memory_bytes() == 0);
  index.insert(1, 1);
  CHECK(lookup(index, 1, 1) == 1);
}
