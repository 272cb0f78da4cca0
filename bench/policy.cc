// One pick of a piece, and one HAVE of a neighbour.
#include <benchmark/benchmark.h>

#include "engine/policy/piece_picker.h"

using namespace murder;

namespace {

void pick_and_want(benchmark::State& state) {
  const auto piece_count = static_cast<uint32_t>(state.range(0));
  Prng prng(1);
  policy::PiecePicker picker(piece_count, 200);
  BitSet neighbour(piece_count);
  for (uint32_t piece = 0; piece < piece_count; ++piece) {
    picker.want({piece}, prng);
    if (prng.below(2) == 0) {
      neighbour.set(piece);
      picker.neighbour_has({piece}, prng);
    }
  }
  for (auto _ : state) {
    const auto piece = picker.pick(neighbour);
    picker.unwant(*piece);
    picker.want(*piece, prng);
  }
}
BENCHMARK(pick_and_want)->ArgName("pieces")->Arg(1024)->Arg(16 * 1024)->Arg(256 * 1024);

void have_of_neighbour(benchmark::State& state) {
  constexpr uint32_t piece_count = 1024;
  Prng prng(1);
  policy::PiecePicker picker(piece_count, 200);
  for (uint32_t piece = 0; piece < piece_count; ++piece) {
    picker.want({piece}, prng);
  }
  for (auto _ : state) {
    const PieceIndex piece{prng.below(piece_count)};
    picker.neighbour_has(piece, prng);
    picker.neighbour_lost(piece, prng);
  }
}
BENCHMARK(have_of_neighbour);

}  // namespace

BENCHMARK_MAIN();
