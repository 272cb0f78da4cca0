// When to hash the pieces that wait to be hashed. Side by side they cost half of what they cost one
// by one, so a piece may wait for company: only when pieces come fast, and never for long. Pure.
#pragma once

#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::policy {

class HashBatching {
 public:
  // A piece that is whole waits for others at most this long.
  static constexpr Duration wait_max = std::chrono::milliseconds(6);
  // The same when no neighbour lacks it.
  static constexpr Duration unwanted_wait_max = std::chrono::milliseconds(60);

  // `lanes`: how many pieces hashed together gain something (1: there is nothing to wait for);
  // `lanes_best`: how many gain the most, which is worth waiting for when no neighbour waits.
  HashBatching(uint32_t lanes, uint32_t lanes_best) : lanes_(lanes), lanes_best_(lanes_best) {
    ENSURE(lanes >= 1 && lanes_best >= lanes);
  }

  // A piece became whole and waits from now on. `wanted`: a neighbour may lack it.
  void piece_waits(bool wanted, Instant now);
  // The waiting ones are hashed now.
  void hashed() { waits_since_ = instant_never; }

  struct Situation {
    uint32_t waiting = 0;           // pieces
    uint32_t receiving = 0;         // pieces that are on their way
    uint32_t missing = 0;           // pieces that are not asked for yet
    uint32_t storing = 0;           // pieces whose buffers come free when they are written
    uint32_t idle_buffers = 0;      // without one, nothing new is asked for
    uint32_t buffers = UINT32_MAX;  // in all
  };
  // When the waiting pieces are to be hashed: `now` or earlier is at once. To be asked again when a
  // further piece waits.
  [[nodiscard]] Instant hash_at(const Situation& situation, Instant now) const;

 private:
  [[nodiscard]] uint32_t batch_worth_waiting(const Situation& situation) const;

  uint32_t lanes_;
  uint32_t lanes_best_;
  bool wanted_ = true;
  Instant last_whole_at_{};
  Duration interval_ = Duration::max();  // between the last two pieces
  Instant waits_since_ = instant_never;
};

}  // namespace murder::policy
