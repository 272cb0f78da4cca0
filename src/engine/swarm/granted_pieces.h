// Granted pieces at the downloader: who may give us one now, which, and how many slots they hold.
// How one lives is said in grants.h. Owned by the fetching half of a swarm; nothing allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/policy/extra_slots.h"
#include "engine/swarm/context.h"
#include "engine/swarm/grants.h"
#include "engine/swarm/link_rates.h"
#include "engine/swarm/piece_choice.h"
#include "engine/swarm/rack_shares.h"

namespace murder::swarm {

class GrantedPieces {
 public:
  GrantedPieces(Context& context, const LinkRates& rates, const RackShares& rack);

  // Pieces that are fetched at a time, but for late ones and those on trial.
  [[nodiscard]] uint32_t slots() const;
  // There is a slot, and something to be fetched.
  [[nodiscard]] bool has_slot(Instant now) const;
  // Neighbours were told that there is a slot.
  [[nodiscard]] bool is_free() const { return free_; }

  // --- what neighbours are told of it ---
  void update_free(Instant now);
  // A session that was told at its start what may have changed since.
  void update_told(SessionId id, Session& session);
  void tell_free(SessionId id, Session& session);
  // The same, if it has something for us.
  void tell_free_if_useful(SessionId id, Session& session);
  // It has a piece more, which we lack. False: that changes nothing for it.
  bool tell_free_for(SessionId id, Session& session, PieceIndex piece);
  // The piece can be fetched again: those who were told that they have nothing for us hear of it.
  void offer_slot_for(PieceIndex piece);
  // Those whose grant was declined hear of it when there is something for them since: what became
  // late, or when they are believed again.
  void offer_slot_again(Instant now);

  // --- a grant ---
  // What is to be fetched under a grant of `piece`, or of any.
  [[nodiscard]] PieceChoice choose(SessionId id, const Session& session, uint32_t piece,
                                   Instant now) const;
  void decline(SessionId id, Session& session, uint32_t piece);
  // The buffer's piece is fetched under a grant. `moved`: pieces that came of anybody until now.
  void begin(ActivePiece& active, bool on_trial, uint32_t moved, Instant now);
  // More of the piece may be asked of its owner, in blocks of block_bytes().
  [[nodiscard]] bool may_ask(const ActivePiece& active, SessionId id, const Session& session,
                             uint32_t window_bytes) const;
  [[nodiscard]] static uint32_t block_bytes(const ActivePiece& active, const Session& session);
  // Something of it came. True: it is ending, and its slot is free.
  [[nodiscard]] bool progressed(ActivePiece& active);
  // It is late: another may have its slot.
  void lose_slot(ActivePiece& active);
  // One is whole: by now another should be under way in its place.
  void whole();
  // It is fetched no more, or not under this grant.
  void end(ActivePiece& active);

  // The link was measured for a window.
  void window_ended();
  // Which rule that must hold does not; empty when all do.
  [[nodiscard]] std::string_view check() const;

 private:
  [[nodiscard]] bool could_adopt(const Session& session) const;
  [[nodiscard]] bool offers_nothing(const Session& session) const;
  [[nodiscard]] std::optional<PieceIndex> pick(const Session& session, uint32_t piece) const;
  [[nodiscard]] bool is_late(const ActivePiece& active, Instant now) const;
  [[nodiscard]] std::optional<BufferIndex> find_late(SessionId id, const Session& session,
                                                     uint32_t piece, Instant now) const;

  const SwarmConfig& config_;
  EffectSink& sink_;
  const bool& stopping_;
  SessionTable& sessions_;
  const PieceTable& pieces_;
  const ActivePieces& active_;
  const LinkRates& rates_;
  const RackShares& rack_;

  uint32_t open_count_ = 0;  // granted pieces that hold a slot
  bool free_;
  policy::ExtraSlots extra_slots_;
  bool slots_idled_ = false;  // one was free in this window
};

}  // namespace murder::swarm
