// How long the coordinator of a deploy lasts: as long as somebody on its host asks it for
// something, now and then. Pure.
//
//   held    somebody asked within the lease                       -> ending
//   ending  agents were told that the deploy is over, and end     -> over
//   over    none is connected any more, or they had their time
#pragma once

#include <cstdint>

#include "engine/base/instant.h"

namespace murder::coordinator {

class DeployLease {
 public:
  enum class State : uint8_t { held, ending, over };

  DeployLease(Duration lease, Duration ending_max, Instant now)
      : lease_(lease), ending_max_(ending_max), renewed_at_(now) {}

  // What is ending stays so: agents were told.
  void renew(Instant now) { renewed_at_ = now; }

  // `agents`: those of the deploy that are connected.
  State look(Instant now, uint32_t agents) {
    if (state_ == State::held && now - renewed_at_ >= lease_) {
      state_ = State::ending;
      ending_since_ = now;
    } else if (state_ == State::ending && (agents == 0 || now - ending_since_ >= ending_max_)) {
      state_ = State::over;
    }
    return state_;
  }

 private:
  const Duration lease_;
  const Duration ending_max_;
  Instant renewed_at_;
  Instant ending_since_{};
  State state_ = State::held;
};

}  // namespace murder::coordinator
