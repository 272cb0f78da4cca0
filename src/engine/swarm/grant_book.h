// The grants that this host gave: whom it promised a piece, and who may be promised the next one.
// How a grant lives is said in grants.h. Owned by the swarm; at most limits::grants_max, nothing
// allocates after construction.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/policy/extra_slots.h"
#include "engine/policy/first_copies.h"
#include "engine/policy/slot_set.h"
#include "engine/policy/unanswered_grants.h"
#include "engine/policy/upload_scheduler.h"
#include "engine/swarm/context.h"
#include "engine/swarm/grants.h"
#include "engine/swarm/link_rates.h"
#include "engine/swarm/rack_shares.h"

namespace murder::swarm {

class GrantBook {
 public:
  GrantBook(Context& context, const LinkRates& rates, const RackShares& rack);

  // Grants as many pieces as there are slots and neighbours to take them.
  void give(Instant now);
  // Pieces that are sent at a time, but for those to slow neighbours and on trial.
  [[nodiscard]] uint32_t slots() const;
  // Neighbours that may be served a granted piece at a time.
  [[nodiscard]] uint32_t served_max() const;
  // Whether the session may be granted something has changed, by what it or we have, or it said.
  void update_grantable(SessionId id, const Session& session);

  // --- what becomes of a grant ---
  struct Request {
    bool is_granted = false;
    std::optional<Duration> answered_after;  // it is the first one under its grant
  };
  // The peer asks for this block: its first request takes the grant up.
  [[nodiscard]] Request take_up(SessionId id, Session& session, const BlockRange& block,
                                Instant now);
  // How long after the offer it was declined; nullopt: it had none.
  [[nodiscard]] std::optional<Duration> decline(SessionId id, Session& session, uint32_t piece,
                                                Instant now);
  // The piece is nearly there, or had. True when it was under way: its slot is free.
  [[nodiscard]] bool end(SessionId id, PieceIndex piece, Instant now);
  void end_all(SessionId id);
  // What is granted and comes to nothing ends. To be called at each tick.
  void expire(const policy::UploadScheduler& served, Instant now);
  // It takes what it is sent: that it did not for a while may have been our doing.
  static void used(Session& session, Instant now);

  // The neighbour has the piece. True: one that was given it first may have more for that.
  [[nodiscard]] bool seen(SessionId id, PieceIndex piece);
  // What the links of those of our own neighbours that lack something we have do together, bytes a
  // second; 0 when it is not known of all.
  [[nodiscard]] double rate_of_lacking() const;
  // The link was measured for a window.
  void window_ended();

  void fetch_ahead(SessionId id) const {
    grantable_.fetch_ahead(id.slot);
    grantable_outside_.fetch_ahead(id.slot);
  }
  // Which rule that must hold does not; empty when all do. Slow.
  [[nodiscard]] std::string_view check() const;

 private:
  [[nodiscard]] bool give_one(Instant now);
  [[nodiscard]] SessionId choose_grantee(std::optional<PieceIndex> piece, Instant now);
  [[nodiscard]] SessionId choose_grantee(std::optional<PieceIndex> piece,
                                         const policy::Uploader& us);
  [[nodiscard]] policy::Grantee grantee_of(const Session& session, PieceIndex named) const;
  [[nodiscard]] policy::Uploader uploader(bool names_piece, Instant now) const;
  [[nodiscard]] bool trusts_newcomers() const;
  [[nodiscard]] bool may_grant(const Session& session, PieceIndex named,
                               const policy::Uploader& uploader) const;
  [[nodiscard]] bool takes_without_a_word(const Session& session, Instant now) const;
  [[nodiscard]] uint32_t points_of_piece(const Session& session) const;
  [[nodiscard]] bool is_only_one_lacking(const Session& session) const;
  [[nodiscard]] bool is_grantable(const Session& session) const;
  [[nodiscard]] uint32_t& count_of(Grant::Place place);
  void offer(SessionId id, Session& session, std::optional<PieceIndex> piece, Instant now);
  void remove(size_t position);
  void keep_from_slot(Grant& grant, Instant now);
  static void refused(Session& session, Instant now);
  static void unused(Session& session, Instant now);
  [[nodiscard]] std::string_view check_session(const Session& session, uint32_t grant_count) const;

  const SwarmConfig& config_;
  EffectSink& sink_;
  Prng& prng_;
  const bool& stopping_;
  SessionTable& sessions_;
  const PieceTable& pieces_;
  const policy::AddressBook& addresses_;
  const LinkRates& rates_;
  const RackShares& rack_;

  std::vector<Grant> grants_;
  uint32_t slots_taken_ = 0;  // grants that hold a slot
  uint32_t to_slow_ = 0;      // grants that do not
  uint32_t on_trial_ = 0;
  uint32_t to_takers_ = 0;
  uint32_t given_since_taker_ = 0;     // pieces, to others
  policy::SlotSet grantable_;          // sessions that are free and lack something we have
  policy::SlotSet grantable_outside_;  // the same, of other racks
  policy::UnansweredGrants unanswered_;
  policy::FirstCopies first_copies_;
  policy::ExtraSlots extra_slots_;
  bool slots_idled_ = false;  // a slot was free in this window
};

}  // namespace murder::swarm
