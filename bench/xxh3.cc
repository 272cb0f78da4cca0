// XXH3, beside what SHA-1 costs (bench_shalanes).
#include <benchmark/benchmark.h>

#include <vector>

#include "engine/hash/xxh3.h"

namespace {

void xxh3(benchmark::State& state) {
  const std::vector<uint8_t> bytes(1 << 20, 7);
  for (auto _ : state) {
    benchmark::DoNotOptimize(murder::hash::xxh3_64(bytes));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(xxh3);

}  // namespace

BENCHMARK_MAIN();
