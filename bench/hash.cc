// SHA-1 of pieces: what a downloader spends most of its time on.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "engine/hash/sha1.h"
#include "engine/hash/xxh3.h"

using namespace murder;

namespace {

void hash_batch(benchmark::State& state) {
  const auto piece_bytes = static_cast<size_t>(state.range(0));
  const auto lanes = static_cast<size_t>(state.range(1));
  std::vector<std::vector<uint8_t>> pieces(lanes, std::vector<uint8_t>(piece_bytes, 7));
  std::vector<std::span<const uint8_t>> inputs(pieces.begin(), pieces.end());
  std::vector<Sha1Digest> digests(lanes);
  hash::PieceHasher hasher;
  for (auto _ : state) {
    hasher.hash_batch(inputs, digests);
    benchmark::DoNotOptimize(digests.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * piece_bytes * lanes));
}
BENCHMARK(hash_batch)
    ->ArgNames({"piece", "lanes"})
    ->ArgsProduct({{16 << 10, 256 << 10, 1 << 20}, {1, 8, 16}});

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
