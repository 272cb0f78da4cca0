// Which neighbour an uploader promises the next piece: which may be promised one, in which place it
// is counted, and which of those is chosen. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::policy {

// What a grant holds: an upload slot, or a place beside the slots.
enum class GrantPlace : uint8_t {
  slot,
  slow,   // its link is much slower than usual
  trial,  // it is not trusted with a slot
  taker,  // it only takes: one at a time, and only what others leave
};

// A neighbour that is free and lacks something we have.
struct Grantee {
  uint32_t grants = 0;       // to it, that are open
  uint64_t asked_bytes = 0;  // by it, that have not left
  bool has_named_piece = false;
  bool is_slow = false;
  bool only_takes = false;
  bool gave = false;           // a piece of it was right, or it passed on one of ours
  bool took_piece = false;     // a grant to it came to its end
  uint32_t unused_in_row = 0;  // grants that it left unanswered, or did not take
  Instant granted_again_at{};
  Instant progressed_at{};  // it said last that it has a piece
};

struct Uploader {
  Instant now{};
  uint32_t slots = 0;
  uint32_t piece_bytes = 0;
  bool names_piece = false;
  bool trusts_newcomers = true;  // fewer grants were unanswered lately than there are slots
  bool has_slow_place = true;    // one more to slow neighbours, and on trial
  bool has_trial_place = true;
  bool has_taker_place = true;    // others had their part, or get nothing now
  bool serves_all_takers = true;  // also those that never gave anything
  bool link_is_slow = false;      // ours: we serve those that get nothing from others
  Duration piece_duration{};
};

// A host that leaves grants unused must not keep a slot from others for long, nor many such that
// come one after the other.
[[nodiscard]] inline GrantPlace place_of(const Grantee& grantee, bool trusts_newcomers) {
  if (grantee.unused_in_row > 0 || (!grantee.took_piece && !trusts_newcomers)) {
    return GrantPlace::trial;
  }
  if (grantee.only_takes) {
    return GrantPlace::taker;
  }
  return grantee.is_slow ? GrantPlace::slow : GrantPlace::slot;
}

[[nodiscard]] inline bool may_grant(const Grantee& grantee, const Uploader& uploader) {
  constexpr Duration patience_min = std::chrono::milliseconds(300);
  constexpr Duration patience_max = std::chrono::seconds(2);
  ENSURE(uploader.slots > 0);
  if (uploader.now < grantee.granted_again_at || grantee.grants >= uploader.slots ||
      grantee.asked_bytes >= uint64_t{uploader.slots} * uploader.piece_bytes) {
    return false;
  }
  const GrantPlace place = place_of(grantee, uploader.trusts_newcomers);
  if (place == GrantPlace::trial && (grantee.grants > 0 || !uploader.has_trial_place)) {
    return false;
  }
  if (uploader.names_piece && (grantee.has_named_piece || grantee.is_slow || grantee.only_takes ||
                               grantee.unused_in_row > 0)) {
    return false;
  }
  if (place == GrantPlace::taker &&
      (!uploader.has_taker_place || (!grantee.gave && !uploader.serves_all_takers))) {
    return false;
  }
  const Duration patience = std::clamp(4 * uploader.piece_duration, patience_min, patience_max);
  if (uploader.link_is_slow && !uploader.names_piece &&
      uploader.now - grantee.progressed_at < patience) {
    return false;
  }
  return uploader.has_slow_place || place != GrantPlace::slow;
}

// Those first to whom nothing of ours is under way; of two such the one that has less: else how far
// hosts are drifts apart, and the last one is late. (Two choices: Mitzenmacher 2001. More are
// worse: all would serve the same ones.) It is told of neighbours that may be granted, from one at
// random on.
class GranteeChoice {
 public:
  // Whether one with that many open grants is worth a look.
  [[nodiscard]] bool may_be_better(uint32_t grants) const { return grants <= least_grants_; }
  // True: it is the best one until now, of those that may_be_better(). `pieces`: that it has or was
  // given.
  [[nodiscard]] bool is_best(uint32_t grants, uint32_t pieces) {
    ENSURE(may_be_better(grants));
    const bool is_better = grants < least_grants_ || pieces < least_pieces_;
    if (is_better) {
      least_pieces_ = pieces;
    }
    least_grants_ = grants;
    compared_ += grants == 0 ? 1U : 0U;
    return is_better;
  }
  [[nodiscard]] bool is_made() const { return compared_ >= choices; }

 private:
  static constexpr uint32_t choices = 2;

  uint32_t least_grants_ = UINT32_MAX;
  uint32_t least_pieces_ = UINT32_MAX;
  uint32_t compared_ = 0;
};

// How long a neighbour waits that refused this often in a row, or left this many grants unused
// before.
[[nodiscard]] inline Duration pause_after_refusals(uint32_t refused_in_row) {
  constexpr uint32_t free_count = 8;
  constexpr uint32_t doublings_max = 8;
  constexpr Duration pause = std::chrono::milliseconds(10);
  return refused_in_row <= free_count
             ? Duration{}
             : pause * (1 << std::min(refused_in_row - free_count, doublings_max));
}
[[nodiscard]] inline Duration pause_after_unused(uint32_t unused_before) {
  constexpr uint32_t doublings_max = 7;
  constexpr Duration pause = std::chrono::milliseconds(640);
  return pause * (1 << std::min(unused_before, doublings_max));
}

}  // namespace murder::policy
