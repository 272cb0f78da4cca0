#include "engine/policy/piece_pace.h"

#include <doctest/doctest.h>

using murder::policy::judge_pace;
using murder::policy::PiecePace;
using murder::policy::PieceVerdict;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t size = 256 * 1024;

PiecePace pace(murder::Duration elapsed, uint32_t received, uint32_t others = 0) {
  return {.elapsed = elapsed,
          .usual = 50ms,
          .size_bytes = size,
          .received_bytes = received,
          .others_moved = others};
}

}  // namespace

TEST_CASE("a piece that comes as usual is left alone") {
  CHECK(judge_pace(pace(50ms, size / 2)) == PieceVerdict::fine);
  CHECK(judge_pace(pace(190ms, 0, 100)) == PieceVerdict::fine);
}

TEST_CASE("a piece that takes four times as long as usual holds no slot") {
  CHECK(judge_pace(pace(201ms, size / 2)) == PieceVerdict::late);
  CHECK(judge_pace(pace(201ms, 0)) == PieceVerdict::late);
}

TEST_CASE("a piece of which little comes while others bring theirs is hopeless") {
  CHECK(judge_pace(pace(299ms, 3, 10)) == PieceVerdict::late);
  CHECK(judge_pace(pace(301ms, 3, 10)) == PieceVerdict::hopeless);
  CHECK(judge_pace(pace(301ms, 3, 3)) == PieceVerdict::late);  // all are slow
  CHECK(judge_pace(pace(301ms, size / 2, 10)) == PieceVerdict::hopeless);
}

TEST_CASE("a piece that is about to be whole is waited for") {
  CHECK(judge_pace(pace(301ms, size - size / 8, 10)) == PieceVerdict::late);
  CHECK(judge_pace(pace(301ms, size, 10)) == PieceVerdict::late);
}

TEST_CASE("when nothing comes from anybody, a piece is hopeless only after long") {
  CHECK(judge_pace(pace(1999ms, 0)) == PieceVerdict::late);
  CHECK(judge_pace(pace(2001ms, 0)) == PieceVerdict::hopeless);
}

TEST_CASE("before it is known what is usual, only one of which nearly nothing comes is judged") {
  PiecePace unknown = pace(151ms, 16384);
  unknown.usual = 0ms;
  CHECK(judge_pace(unknown) == PieceVerdict::fine);
  unknown.elapsed = 1h;
  CHECK(judge_pace(unknown) == PieceVerdict::fine);
  unknown.received_bytes = 16383;
  CHECK(judge_pace(unknown) == PieceVerdict::hopeless);
  unknown.elapsed = 149ms;
  CHECK(judge_pace(unknown) == PieceVerdict::fine);
  unknown.elapsed = 301ms;
  CHECK(judge_pace(unknown) == PieceVerdict::late);
  unknown.others_moved = 1;
  CHECK(judge_pace(unknown) == PieceVerdict::hopeless);
  unknown.elapsed = 299ms;
  CHECK(judge_pace(unknown) == PieceVerdict::late);
}
