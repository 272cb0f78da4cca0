#include "engine/policy/silence.h"

#include <doctest/doctest.h>

using murder::policy::judge_silence;
using murder::policy::Silence;
using murder::policy::SilenceBounds;
using murder::policy::SilenceVerdict;
using namespace std::chrono_literals;

namespace {

constexpr SilenceBounds silence_bounds{
    .snub_soon_after = 1s, .snub_after = 5s, .stuck_after = 1500ms, .timeout = 30s};

SilenceVerdict judged(const Silence& silence) {
  return judge_silence(silence, silence_bounds);
}

}  // namespace

TEST_CASE("a stock client that brings nothing is left for an idle one soon, for a busy one later") {
  Silence silence{.has_requests = true, .has_alternative = true};
  silence.waited = 1001ms;
  CHECK(judged(silence) == SilenceVerdict::wait);  // the other is busy
  silence.has_idle_alternative = true;
  CHECK(judged(silence) == SilenceVerdict::snub);
  silence.waited = 1000ms;
  CHECK(judged(silence) == SilenceVerdict::wait);
  silence.has_idle_alternative = false;
  silence.waited = 5001ms;
  CHECK(judged(silence) == SilenceVerdict::snub);
  silence.has_requests = false;
  CHECK(judged(silence) == SilenceVerdict::wait);
}

TEST_CASE("its connection ends after the timeout, four times as late when nobody else has it") {
  Silence silence{.waited = 30001ms, .has_requests = true};
  CHECK(judged(silence) == SilenceVerdict::wait);
  silence.has_alternative = true;
  CHECK(judged(silence) == SilenceVerdict::unanswered);
  silence.has_alternative = false;
  silence.waited = 120001ms;
  CHECK(judged(silence) == SilenceVerdict::unanswered);
}

TEST_CASE("one that stops in the middle of a block is dropped, when another has the piece") {
  Silence silence{.waited = 1501ms, .arrives = true};
  CHECK(judged(silence) == SilenceVerdict::wait);
  silence.has_alternative = true;
  CHECK(judged(silence) == SilenceVerdict::too_slow);
  silence.waited = 1500ms;
  CHECK(judged(silence) == SilenceVerdict::wait);
}

TEST_CASE("one of our own is given up after a piece time, at least 300 ms, at most as others") {
  Silence silence{.is_own = true, .has_requests = true, .has_idle_alternative = true};
  silence.waited = 300ms;
  CHECK(judged(silence) == SilenceVerdict::wait);
  silence.waited = 301ms;
  CHECK(judged(silence) == SilenceVerdict::snub);
  silence.arrives = true;
  CHECK(judged(silence) == SilenceVerdict::too_slow);
  silence.piece_duration = 2s;
  CHECK(judged(silence) == SilenceVerdict::wait);
  silence.waited = 2001ms;
  CHECK(judged(silence) == SilenceVerdict::too_slow);
  silence.piece_duration = 60s;
  silence.waited = 5001ms;
  CHECK(judged(silence) == SilenceVerdict::wait);  // nobody has it but idle ones: none any more
  silence.has_alternative = true;
  CHECK(judged(silence) == SilenceVerdict::too_slow);
}
