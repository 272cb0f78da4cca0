// Which sessions bring pieces and which let us down: what a session may hold of ours until it has
// proved itself, and whether another could bring what it does not. Owned by the fetching half of a
// swarm; nothing allocates.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/policy/piece_pace.h"
#include "engine/policy/unanswered_grants.h"
#include "engine/swarm/context.h"
#include "engine/swarm/link_rates.h"

namespace murder::swarm {

class Sources {
 public:
  Sources(Context& context, const LinkRates& rates);

  // --- may it bring something? `slots`: pieces that are granted to us at a time ---
  // It let us down and has not made up for it; or it never was of use, and others like it let us
  // down lately, or others at its address.
  [[nodiscard]] bool is_on_trial(const Session& session, uint32_t slots, Instant now) const;
  // Its grants are not taken now, where others could bring what it has.
  [[nodiscard]] bool waits(SessionId id, const Session& session, Instant now) const;
  // On trial one piece of all who have the same address, and of any newcomer one piece.
  [[nodiscard]] bool has_place_for(SessionId id, const Session& session, bool on_trial) const;
  [[nodiscard]] bool may_ask_stock(SessionId id, const Session& session, uint32_t slots,
                                   Instant now) const;
  // One more piece may be fetched without a slot.
  [[nodiscard]] bool may_lose_slot() const { return slotless_count() < slotless_max(); }

  // --- who else? ---
  [[nodiscard]] static bool may_deliver(const Session& session);
  [[nodiscard]] bool has_other(SessionId id) const;
  // Another (an idle one) has something of what this one was asked for.
  [[nodiscard]] bool has_alternative_to(SessionId id, const Session& session, bool idle) const;

  // --- what became of it ---
  // A piece came whole from somebody, right or wrong.
  void piece_moved() { ++pieces_moved_; }
  [[nodiscard]] uint32_t pieces_moved() const { return pieces_moved_; }
  // The granted piece in a buffer comes fast enough, or not.
  [[nodiscard]] policy::PieceVerdict judge(BufferIndex buffer, Instant now) const;
  // What it granted came to nothing: it waits longer each time before it is asked again.
  void failed(Session& session, Duration pause, Instant now);
  // A piece from it was right. False: that was known.
  bool proved(Session& session);
  // It sent wrong data.
  void lied(Instant now) { failed_grants_.record(now); }
  // To be called at each tick.
  void forget(Instant now) { failed_grants_.forget(now); }

  // Which rule that must hold does not; empty when all do.
  [[nodiscard]] std::string_view check() const;

 private:
  [[nodiscard]] uint32_t slotless_max() const;
  [[nodiscard]] uint32_t slotless_count() const;
  [[nodiscard]] bool has_proven(SessionId besides) const;

  const SessionTable& sessions_;
  const PieceTable& pieces_;
  const ActivePieces& active_;
  policy::AddressBook& addresses_;
  const LinkRates& rates_;

  policy::UnansweredGrants failed_grants_;  // to us, that came to nothing
  uint32_t pieces_moved_ = 0;
};

}  // namespace murder::swarm
