// SHA-1 of pieces: what a downloader spends most of its time on.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/hash/piece_hasher.h"
#include "engine/hash/xxh3.h"
#include "engine/io/aligned_arena.h"

using namespace murder;

namespace {

// Pieces side by side by each kernel this CPU has. One that it has not is named "openssl" too.
void hash_batch(benchmark::State& state, const char* kernel) {
  const auto piece_bytes = static_cast<size_t>(state.range(0));
  const auto lanes = static_cast<size_t>(state.range(1));
  std::vector<std::vector<uint8_t>> pieces(lanes, std::vector<uint8_t>(piece_bytes, 7));
  std::vector<std::span<const uint8_t>> inputs(pieces.begin(), pieces.end());
  std::vector<Sha1Digest> digests(lanes);
  const hash::Sha1Choice choice = hash::choose_sha1(kernel);
  hash::PieceHasher hasher(choice);
  for (auto _ : state) {
    hasher.hash_batch(inputs, digests);
    benchmark::DoNotOptimize(digests.data());
  }
  state.SetLabel(std::string(choice.name));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * piece_bytes * lanes));
}

// The same of pieces that are in no cache, as those that have just been received mostly are.
void hash_cold(benchmark::State& state, const char* kernel) {
  constexpr size_t piece_bytes = 2 << 20;
  constexpr size_t piece_count = 64;
  const auto lanes = static_cast<size_t>(state.range(0));
  const auto arena = io::AlignedArena::create(
      {.size_bytes = uint64_t{piece_bytes} * piece_count, .huge_pages = true});
  const std::span<uint8_t> memory = (*arena)->bytes();
  std::fill(memory.begin(), memory.end(), uint8_t{7});
  std::vector<std::span<const uint8_t>> inputs(lanes);
  std::vector<Sha1Digest> digests(lanes);
  const hash::Sha1Choice choice = hash::choose_sha1(kernel);
  hash::PieceHasher hasher(choice);
  size_t next = 0;
  for (auto _ : state) {
    for (std::span<const uint8_t>& input : inputs) {
      input = memory.subspan(next * piece_bytes, piece_bytes);
      next = (next + 1) % piece_count;
    }
    hasher.hash_batch(inputs, digests);
    benchmark::DoNotOptimize(digests.data());
  }
  state.SetLabel(std::string(choice.name));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * piece_bytes * lanes));
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"piece", "lanes"})
      ->ArgsProduct({{16 << 10, 256 << 10, 1 << 20}, {1, 2, 4, 8, 16}});
}

BENCHMARK_CAPTURE(hash_batch, openssl, "openssl")->Apply(sizes);
BENCHMARK_CAPTURE(hash_batch, sha_ni, "sha-ni")->Apply(sizes);
BENCHMARK_CAPTURE(hash_batch, avx2, "avx2")->Apply(sizes);
BENCHMARK_CAPTURE(hash_batch, avx512, "avx512")->Apply(sizes);

BENCHMARK_CAPTURE(hash_cold, sha_ni, "sha-ni")->ArgName("lanes")->Arg(1)->Arg(4);
BENCHMARK_CAPTURE(hash_cold, avx2, "avx2")->ArgName("lanes")->Arg(8);
BENCHMARK_CAPTURE(hash_cold, avx512, "avx512")->ArgName("lanes")->Arg(16);

void xxh3(benchmark::State& state) {
  const std::vector<uint8_t> bytes(1 << 20, 7);
  for (auto _ : state) {
    benchmark::DoNotOptimize(hash::xxh3_64(bytes));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(xxh3);

}  // namespace

BENCHMARK_MAIN();
