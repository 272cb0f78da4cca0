// What to do about a peer that was asked for something and brings nothing. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::policy {

struct SilenceBounds {
  Duration snub_soon_after{};  // when an idle one could bring it
  Duration snub_after{};       // when anybody could
  Duration stuck_after{};      // of a stock client, in the middle of a block
  Duration timeout{};          // four times that when nobody could
};

struct Silence {
  bool is_own = false;  // one of our own: what it granted it serves at once, or after a piece
  Duration piece_duration{};
  Duration waited{};          // since a part of a block came
  bool arrives = false;       // it is in the middle of a block, whose place nobody else can fill
  bool has_requests = false;  // others wait behind it
  bool has_idle_alternative = false;  // another that is idle has something of it
  bool has_alternative = false;
};

enum class SilenceVerdict : uint8_t {
  wait,
  snub,        // what it was asked for is asked of others
  too_slow,    // the same, and its connection ends
  unanswered,  // its connection ends
};

// For this long nothing is done, and no alternative needs to be looked for.
[[nodiscard]] inline Duration silence_patience(const Silence& silence,
                                               const SilenceBounds& bounds) {
  // A tick may come this late: one that is silent for less is not given up.
  constexpr Duration own_min = std::chrono::milliseconds(300);
  ENSURE(bounds.snub_after >= own_min && bounds.snub_soon_after <= bounds.snub_after);
  return silence.is_own ? std::clamp(silence.piece_duration, own_min, bounds.snub_after)
                        : bounds.snub_soon_after;
}

[[nodiscard]] inline SilenceVerdict judge_silence(const Silence& silence,
                                                  const SilenceBounds& bounds) {
  if (silence.waited <= silence_patience(silence, bounds)) {
    return SilenceVerdict::wait;
  }
  const bool soon = silence.waited <= bounds.snub_after;
  const bool alternative = soon ? silence.has_idle_alternative : silence.has_alternative;
  const bool stuck = silence.arrives && (silence.is_own ? alternative
                                                        : silence.waited > bounds.stuck_after &&
                                                              silence.has_alternative);
  if (stuck) {
    return SilenceVerdict::too_slow;
  }
  if (!soon && silence.waited > (alternative ? bounds.timeout : 4 * bounds.timeout)) {
    return SilenceVerdict::unanswered;
  }
  return alternative && silence.has_requests ? SilenceVerdict::snub : SilenceVerdict::wait;
}

}  // namespace murder::policy
