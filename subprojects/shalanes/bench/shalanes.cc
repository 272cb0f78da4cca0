// Whole messages of one length side by side, by each family of kernels.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <string>
#include <vector>

#include "shalanes/shalanes.h"

using shalanes::Part;
using shalanes::Sha1;

namespace {

using Streams = shalanes::Streams<Sha1>;
using Choice = shalanes::Choice<Sha1>;

void hash_all(Streams& streams, const std::vector<Part>& parts) {
  streams.advance(parts);
  for (const Part& part : parts) {
    benchmark::DoNotOptimize(streams.digest(part.stream));
  }
}

// A family that this processor lacks has another's label.
void label(benchmark::State& state, const Choice& choice, size_t bytes) {
  state.SetLabel(std::string(choice.family));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
}

void hash_batch(benchmark::State& state, const char* family) {
  const auto message_bytes = static_cast<size_t>(state.range(0));
  const auto lanes = static_cast<uint32_t>(state.range(1));
  const std::vector<std::vector<uint8_t>> messages(lanes, std::vector<uint8_t>(message_bytes, 7));
  std::vector<Part> parts;
  for (const std::vector<uint8_t>& message : messages) {
    parts.push_back({.stream = static_cast<uint32_t>(parts.size()), .bytes = message});
  }
  const Choice choice = shalanes::choose<Sha1>(family);
  Streams streams(lanes, choice);
  for (auto _ : state) {
    hash_all(streams, parts);
  }
  label(state, choice, message_bytes * lanes);
}

// In pages as large as there are, so that no time goes into looking up addresses.
class Memory {
 public:
  explicit Memory(size_t size_bytes) : size_bytes_(size_bytes) {
    place_ = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place_ == MAP_FAILED) {
      std::abort();
    }
    madvise(place_, size_bytes, MADV_HUGEPAGE);
    std::fill_n(static_cast<uint8_t*>(place_), size_bytes, uint8_t{7});
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { munmap(place_, size_bytes_); }

  [[nodiscard]] std::span<const uint8_t> bytes() const {
    return {static_cast<const uint8_t*>(place_), size_bytes_};
  }

 private:
  void* place_;
  size_t size_bytes_;
};

// Messages that are in no cache.
void hash_cold(benchmark::State& state, const char* family) {
  constexpr size_t message_bytes = 2 << 20;
  constexpr size_t message_count = 64;
  const auto lanes = static_cast<uint32_t>(state.range(0));
  const Memory memory(message_bytes * message_count);
  const Choice choice = shalanes::choose<Sha1>(family);
  Streams streams(lanes, choice);
  std::vector<Part> parts(lanes);
  size_t next = 0;
  for (auto _ : state) {
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      parts[lane] = {.stream = lane,
                     .bytes = memory.bytes().subspan(next * message_bytes, message_bytes)};
      next = (next + 1) % message_count;
    }
    hash_all(streams, parts);
  }
  label(state, choice, message_bytes * lanes);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"message", "lanes"})
      ->ArgsProduct({{16 << 10, 256 << 10, 1 << 20}, {1, 2, 4, 8, 16}});
}

BENCHMARK_CAPTURE(hash_batch, openssl, "openssl")->Apply(sizes);
BENCHMARK_CAPTURE(hash_batch, sha_ni, "sha-ni")->Apply(sizes);
BENCHMARK_CAPTURE(hash_batch, armv8, "armv8")->Apply(sizes);
BENCHMARK_CAPTURE(hash_batch, avx2, "avx2")->Apply(sizes);
BENCHMARK_CAPTURE(hash_batch, avx512, "avx512")->Apply(sizes);

BENCHMARK_CAPTURE(hash_cold, sha_ni, "sha-ni")->ArgName("lanes")->Arg(1)->Arg(4);
BENCHMARK_CAPTURE(hash_cold, armv8, "armv8")->ArgName("lanes")->Arg(1)->Arg(4);
BENCHMARK_CAPTURE(hash_cold, avx2, "avx2")->ArgName("lanes")->Arg(8);
BENCHMARK_CAPTURE(hash_cold, avx512, "avx512")->ArgName("lanes")->Arg(16);

}  // namespace

BENCHMARK_MAIN();
