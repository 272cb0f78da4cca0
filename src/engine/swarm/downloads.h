// The fetching half of a swarm: it has its parts choose what to ask of whom, and takes each piece
// from its first request to the moment that it is had. Owned by the swarm, which ends the sessions
// that it names, and lets the other half know what changed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/policy/silence.h"
#include "engine/swarm/block_requests.h"
#include "engine/swarm/context.h"
#include "engine/swarm/granted_pieces.h"
#include "engine/swarm/link_rates.h"
#include "engine/swarm/rack_shares.h"
#include "engine/swarm/sources.h"
#include "engine/swarm/stock_choice.h"

namespace murder::swarm {

class Downloads {
 public:
  Downloads(Context& context, const LinkRates& rates, RackShares& rack);

  // What only reads is asked of the parts themselves.
  [[nodiscard]] const BlockRequests& requests() const { return requests_; }
  [[nodiscard]] const GrantedPieces& granted() const { return granted_; }

  // --- what a neighbour has (downloads_pieces.cc) ---
  // False: it is malformed.
  [[nodiscard]] bool learn_pieces(SessionId id, Session& session,
                                  const codec::PeerMessage& message);
  void learn_piece(SessionId id, const Session& session, PieceIndex piece);
  // A piece that it has and we have not.
  void useful_piece(SessionId id, Session& session, PieceIndex piece, Instant now);
  void forget_pieces(Session& session);
  void update_interest(SessionId id, Session& session);

  // --- asking (downloads.cc) ---
  void fill(SessionId id, Session& session, Instant now);
  void fill_all(Instant now);
  void update_free(Instant now) { granted_.update_free(now); }

  // --- answers ---
  [[nodiscard]] std::optional<PayloadPlace> payload_begin(Session& session, const BlockRange& block,
                                                          Instant now) {
    return requests_.begin(session, block, now);
  }
  // True: a piece is whole.
  [[nodiscard]] bool payload_end(SessionId id, Session& session, Instant now);
  void rejected(SessionId id, Session& session, const BlockRange& block, Instant now);
  void disarmed(Session& session) { requests_.disarmed(session); }
  void closed(const Session& session) { requests_.closed(session); }

  // --- taking back ---
  void revoke_all(SessionId id, Session& session, bool send_cancels) {
    requests_.revoke_all(id, session, send_cancels);
  }
  // Its pieces become orphans. What a single contributor had to deliver alone starts again.
  void let_go_of_pieces(SessionId id, Session& session, Instant now);
  // It was asked for something: whether it brings it, or what is to be done.
  [[nodiscard]] policy::SilenceVerdict judge_silence(SessionId id, const Session& session,
                                                     Instant now) const;
  // It left requests unanswered.
  void snub(SessionId id, Session& session, Instant now);

  // --- grants (downloads_grants.cc) ---
  [[nodiscard]] bool is_free() const { return granted_.is_free(); }
  // It is one of our own.
  void becomes_own(SessionId id, Session& session, std::string_view rack);
  // nullopt, or why the session is to end.
  [[nodiscard]] std::optional<CloseReason> on_grant(SessionId id, Session& session, uint32_t piece,
                                                    Instant now);
  void on_claim(SessionId id, const Session& session, uint32_t piece, Instant now);
  void on_unclaim(SessionId id, const Session& session, uint32_t piece);
  void uncover_rack(SessionId id, Session& session);
  void check_claims(Instant now);
  void offer_slot_again(Instant now) { granted_.offer_slot_again(now); }
  // Whether a granted piece comes fast enough.
  struct Pace {
    SessionId too_slow;  // its connection is to end
    bool freed = false;  // a slot
  };
  [[nodiscard]] Pace check_pace(BufferIndex buffer, Instant now);
  void forget_failures(Instant now) { sources_.forget(now); }
  void lied(Instant now) { sources_.lied(now); }
  void window_ended() { granted_.window_ended(); }

  // --- whole pieces and leases (downloads_pieces.cc) ---
  enum class Verified : uint8_t {
    known,  // another copy was faster
    right,  // it is being stored
    wrong,  // it is to be fetched again
  };
  // When it is wrong and one peer alone brought it, that is `culprit`.
  [[nodiscard]] Verified piece_verified(BufferIndex buffer, bool matches,
                                        std::optional<Contributor>& culprit, Instant now);
  // The piece that was stored.
  PieceIndex piece_stored(BufferIndex buffer);
  // Nobody fetches it any more: it is had.
  void give_up_piece(PieceIndex piece);
  // False: no piece waited for this answer. `regrant`: what this session granted is to be taken for
  // another piece.
  [[nodiscard]] bool lease_answered(PieceIndex piece, bool granted, SessionId& regrant,
                                    Instant now);
  // Another shard does not fetch it any more. False: nor did it.
  [[nodiscard]] bool lease_freed(PieceIndex piece);
  void check_leases(Instant now);
  void check_orphans(Instant now);

  // Which rule that must hold does not; empty when all do. Slow.
  [[nodiscard]] std::string_view check() const;

 private:
  void fill_stock(SessionId id, Session& session, Instant now);
  void fill_granted(SessionId id, Session& session, Instant now);
  [[nodiscard]] bool choose_piece(SessionId id, Session& session, Instant now);
  BufferIndex begin(const PieceChoice& choice, SessionId id, const Session& session, Instant now);
  [[nodiscard]] bool take_grant(SessionId id, Session& session, uint32_t piece, Instant now);
  void grant_failed(SessionId id, Session& session, Duration pause, Instant now);
  void ungrant(ActivePiece& active);
  void give_up(BufferIndex buffer);
  void give_up_duplicates(PieceIndex piece, BufferIndex keep);
  void make_missing(PieceIndex piece);
  void make_missing_unless_active(PieceIndex piece);
  [[nodiscard]] bool has_adopter(const ActivePiece& active) const;
  void contributors_proved(const ActivePiece& active);
  void distrust_silent_mates(Duration patience, Instant now);
  [[nodiscard]] std::string_view check_pieces() const;
  [[nodiscard]] std::string_view check_availability() const;

  const SwarmConfig& config_;
  EffectSink& sink_;
  Prng& prng_;
  const bool& stopping_;
  SwarmStats& stats_;
  SessionTable& sessions_;
  PieceTable& pieces_;
  ActivePieces& active_;
  const LinkRates& rates_;
  RackShares& rack_;

  BlockRequests requests_;
  StockChoice stock_;
  GrantedPieces granted_;
  Sources sources_;
  Instant leases_retried_at_{};
};

}  // namespace murder::swarm
