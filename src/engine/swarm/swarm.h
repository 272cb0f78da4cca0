// The swarm of one release on one shard: sessions, pieces on their way, whom to ask, whom to serve.
//
// Sans-I/O: inputs are calls with an Instant, outputs go to the EffectSink. One thread owns it (a
// shard, or the simulator). Bounded by SwarmConfig and bounds.h; what is kept per session grows to
// its bound and stays.
//
// A piece on this shard is in exactly one state: missing (in the picker), active (in one or, near
// the end, two buffers), elsewhere (another shard fetches it) or had.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/bounds.h"
#include "engine/base/geometry.h"
#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/base/slab.h"
#include "engine/codec/peer_wire.h"
#include "engine/policy/address_book.h"
#include "engine/policy/candidates.h"
#include "engine/policy/extra_slots.h"
#include "engine/policy/first_copies.h"
#include "engine/policy/link_estimate.h"
#include "engine/policy/neighbour_worth.h"
#include "engine/policy/piece_picker.h"
#include "engine/policy/slot_set.h"
#include "engine/policy/stock_share.h"
#include "engine/policy/unanswered_grants.h"
#include "engine/policy/upload_scheduler.h"
#include "engine/swarm/active_pieces.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/effects.h"
#include "engine/swarm/grants.h"
#include "engine/swarm/rack_claims.h"
#include "engine/swarm/session.h"

namespace murder::swarm {

// How our own peers share work: grants.h, or as with stock clients.
enum class SwarmPolicy : uint8_t { grant, classic };

struct SwarmConfig {
  InfoHash info_hash;
  PeerId peer_id;
  Geometry geometry;
  uint16_t listen_port = 0;
  uint32_t sessions_max = limits::connections_max;
  uint32_t sessions_to_dial = limits::connections_to_dial;
  uint32_t piece_buffers = 16;
  uint32_t block_bytes_max = limits::block_bytes_max;
  uint32_t served_max = 4;  // neighbours served at a time, each a whole piece
  bool leased = false;      // several shards: pieces are fetched under a lease
  // A piece is served once it is verified, from the memory that waits to be stored; else once it is
  // stored.
  bool serves_unstored = true;
  SwarmPolicy policy = SwarmPolicy::grant;
  std::string rack;  // this host's; empty: not known
};

struct SwarmStats {
  uint64_t downloaded_bytes = 0;  // payload that was asked for
  uint64_t uploaded_bytes = 0;
  uint64_t wasted_bytes = 0;  // payload that was not
  uint64_t failed_pieces = 0;
  std::optional<Endpoint> last_culprit;  // of them
  std::array<uint64_t, close_reason_count> closed{};
};

// Where a block's payload goes.
struct PayloadPlace {
  bool wanted = false;  // false: read it and throw it away
  BufferIndex buffer;
  uint32_t offset = 0;
};

class Swarm {
 public:
  // `have`: the verified pieces. The sink must outlive the swarm.
  Swarm(const SwarmConfig& config, const BitSet& have, Prng prng, EffectSink& sink);

  // --- transport ---
  // A connection came in. None: no room, close it.
  [[nodiscard]] SessionId accept(const Endpoint& remote, Instant now);
  void dialed(SessionId id, Instant now);
  void received(SessionId id, const codec::Handshake& handshake, Instant now);
  // Any message but a piece, whose payload comes through the three calls below.
  void received(SessionId id, const codec::PeerMessage& message, Instant now);
  void bytes_received(SessionId id, uint32_t size_bytes, Instant now);

  // The requests that are out, in the order they were made: where the next payloads will go if the
  // peer answers in order. Returns how many were filled in.
  [[nodiscard]] uint32_t expected(SessionId id, std::span<OutgoingRequest> out) const;
  // How many bytes from this peer may gather before they are received: 1 for none.
  [[nodiscard]] uint32_t bytes_to_gather(SessionId id) const;
  // The head of a piece message came; its payload follows and goes there.
  [[nodiscard]] PayloadPlace payload_begin(SessionId id, const BlockRange& block, Instant now);
  // All of the payload is in its place.
  void payload_end(SessionId id, Instant now);
  // No place of this session is armed any more (after EffectSink::disarm).
  void disarmed(SessionId id, Instant now);
  void block_sent(SessionId id, uint32_t size_bytes, Instant now);

  // Asks for the end of a session (a transport error, a broken frame).
  void end(SessionId id, CloseReason reason, Instant now);
  // The transport of the session is gone; the id is free.
  void closed(SessionId id, Instant now);

  // --- storage ---
  void piece_verified(BufferIndex buffer, bool matches, Instant now);
  void piece_stored(BufferIndex buffer, Instant now);

  // --- leases ---
  void lease_answered(PieceIndex piece, bool granted, Instant now);
  void piece_stored_elsewhere(PieceIndex piece, Instant now);
  void lease_freed(PieceIndex piece, Instant now);

  // --- discovery and time ---
  void add_candidates(std::span<const Endpoint> endpoints, Instant now);
  // Of a host that did not know its rack; to be told before it has neighbours, since those that it
  // has then count as from elsewhere.
  void rack_told(std::string_view rack);
  // Timeouts, rates, dials. To be called every `tick_interval`; nothing that is urgent waits for
  // it.
  void tick(Instant now);
  static constexpr Duration tick_interval = std::chrono::milliseconds(100);
  // Ends all sessions; the swarm dials no more.
  void stop(Instant now);

  // --- what is there ---
  [[nodiscard]] const BitSet& have() const { return have_; }
  // Of these, the ones that are on disk: all of them, save for a moment after each was verified.
  [[nodiscard]] const BitSet& stored() const { return stored_; }
  [[nodiscard]] bool complete() const { return stored_.all(); }
  [[nodiscard]] const SwarmStats& stats() const { return stats_; }
  [[nodiscard]] uint32_t session_count() const { return sessions_.size(); }
  [[nodiscard]] uint32_t open_count() const { return open_count_; }
  // Open sessions that something was exchanged with, and young ones.
  [[nodiscard]] uint32_t neighbour_count(Instant now) const;
  [[nodiscard]] const Session* session(SessionId id) const { return sessions_.get(id); }
  // Whether somebody may wait for a piece that we have whole: a neighbour that lacks something, or
  // one of another shard.
  [[nodiscard]] bool may_be_awaited();
  [[nodiscard]] const ActivePieces& active() const { return active_; }
  [[nodiscard]] uint32_t wanted_count() const { return picker_.wanted_count(); }
  [[nodiscard]] const policy::LinkEstimate& link_estimate() const { return link_; }
  // Asks the processor for what received() will touch, for a simulator with more swarms than its
  // caches hold: first the objects, some time later what they point to.
  void fetch_ahead(const Session& session) const;
  void fetch_ahead(SessionId id, const Session& session, const codec::PeerMessage& message) const;
  // Which rule that must hold between any two inputs does not; empty when all do. Slow.
  [[nodiscard]] std::string_view broken_invariant() const;

 private:
  enum class PieceState : uint8_t { missing, active, elsewhere, had };
  static constexpr uint32_t slots_max = policy::LinkEstimate::slots_max;
  static constexpr uint32_t extra_slots_until = 4;   // in all, where more than usual are open
  static constexpr uint32_t seeder_slots_until = 8;  // whose link may be much faster

  // sessions (swarm.cc: what they say; connections.cc: how they begin and end)
  void send_handshake(SessionId id, Session& session, Instant now);
  void open(SessionId id, Session& session, Instant now);
  void send_pieces_we_have(SessionId id, Session& session);
  void send_extension_handshake(SessionId id, Session& session);
  [[nodiscard]] std::optional<CloseReason> refuse_handshake(SessionId id, const Session& session,
                                                            const codec::Handshake& handshake);
  void on_message(SessionId id, Session& session, const codec::PeerMessage& message, Instant now);
  void on_extended(SessionId id, Session& session, const codec::PeerMessage& message, Instant now);
  void send(SessionId id, const codec::PeerMessage& message);
  void send(SessionId id, codec::MessageType type) { send(id, codec::PeerMessage{.type = type}); }
  [[nodiscard]] bool has_nothing_to_exchange(const Session& session) const;
  void end_if_both_complete(SessionId id, Session& session, Instant now);
  void learn_listening(Session& session, const Endpoint& endpoint);
  [[nodiscard]] bool is_connected(const Endpoint& endpoint);
  void remember_end(const Session& session, Instant now);
  [[nodiscard]] policy::NeighbourFacts facts_of(const Session& session, Instant now) const;
  [[nodiscard]] uint32_t idle_count_at(const IpAddress& address, Instant now) const;
  [[nodiscard]] bool has_room_for(const IpAddress& address, uint32_t named_count, Instant now);
  SessionId make_session(const Endpoint& remote, bool outgoing, bool named, Instant now);
  bool make_room(const IpAddress* address, Instant now);
  struct ConnectionCounts {
    uint32_t all = 0;
    uint32_t outgoing = 0;
    uint32_t dialing = 0;  // lately
    uint32_t open = 0;
  };
  [[nodiscard]] uint32_t connections_to_dial() const;
  [[nodiscard]] ConnectionCounts connection_counts(Instant now) const;
  void dial_more(Instant now);
  void check_timeouts(SessionId id, Session& session, Instant now);
  void update_rates(Instant now);

  // download (download.cc: what is asked; requests.cc: what becomes of it; whole_pieces.cc)
  void on_pieces(SessionId id, Session& session, const codec::PeerMessage& message, Instant now);
  void on_more_pieces(SessionId id, Session& session, const codec::PeerMessage& message,
                      Instant now);
  void on_have(SessionId id, Session& session, PieceIndex piece, Instant now);
  void note_has(SessionId id, const Session& session, PieceIndex piece);
  void forget_pieces(Session& session);
  void update_interest(SessionId id, Session& session);
  void fill_requests(SessionId id, Session& session, Instant now);
  void fill_all(Instant now);
  [[nodiscard]] bool choose_piece(SessionId id, Session& session, Instant now);
  [[nodiscard]] bool may_adopt(const ActivePiece& active, const Session& session) const;
  [[nodiscard]] std::optional<BufferIndex> find_orphan(SessionId id, const Session& session) const;
  [[nodiscard]] std::optional<BufferIndex> find_to_join(const Session& session);
  [[nodiscard]] std::optional<BufferIndex> find_to_duplicate(SessionId id, const Session& session,
                                                             Instant now);
  [[nodiscard]] bool may_contribute(const ActivePiece& active, const Session& session) const;
  BufferIndex start_piece(PieceIndex piece, SessionId owner, Instant now);
  void ask(SessionId id, Session& session, BufferIndex buffer, uint32_t block_bytes, Instant now);
  [[nodiscard]] bool may_deliver(const Session& session) const;
  [[nodiscard]] uint32_t request_window(const Session& session) const;
  void adapt_window(Session& session, Duration answered_after);
  void on_reject(SessionId id, Session& session, const BlockRange& block, Instant now);
  void revoke_all(SessionId id, Session& session, bool send_cancels);
  void revoke(SessionId id, Session& session, const OutgoingRequest& request);
  void release_request(const OutgoingRequest& request);
  void let_go_of_pieces(SessionId id, Session& session, Instant now);
  void give_up(BufferIndex buffer);
  void give_up_duplicates(PieceIndex piece, BufferIndex keep);
  [[nodiscard]] bool is_slow(const ActivePiece& active, const Session& session, Instant now) const;
  [[nodiscard]] bool is_active_elsewhere(PieceIndex piece, BufferIndex besides) const;
  void snub(SessionId id, Session& session, Instant now);
  [[nodiscard]] bool has_other_source(SessionId id);
  [[nodiscard]] bool has_alternative_to(SessionId id, const Session& session, bool idle);
  void piece_failed(BufferIndex buffer, Instant now);
  void bar(const Contributor& culprit, Instant now);
  void now_had(PieceIndex piece);
  void now_stored(PieceIndex piece);
  void make_missing(PieceIndex piece);
  void make_missing_unless_active(PieceIndex piece);
  void check_orphans(Instant now);
  [[nodiscard]] bool has_adopter(const ActivePiece& active);
  void check_leases(Instant now);

  // upload (upload.cc)
  void on_request(SessionId id, Session& session, const BlockRange& block, Instant now);
  void on_cancel(SessionId id, Session& session, const BlockRange& block, Instant now);
  void refuse(SessionId id, Session& session, const BlockRange& block, Instant now);
  void serve(SessionId id, Session& session, Instant now);
  void serve_held_back(Instant now);
  [[nodiscard]] double rate_of_lacking();
  void admit(Instant now);
  void forget_requests(SessionId id, Session& session);
  [[nodiscard]] policy::UploadScheduler& line_of(const Session& session) {
    return session.grants.spoken ? granted_uploads_ : uploads_;
  }
  void check_stalled(SessionId id, Session& session, Instant now);

  // grants, of both sides (grants.cc)
  void say(SessionId id, const Session& session, codec::GrantKind kind, uint32_t value);
  void learn_grants(SessionId id, Session& session, const codec::ExtensionHandshake& handshake,
                    Instant now);
  void on_grant_message(SessionId id, Session& session, std::span<const uint8_t> payload,
                        Instant now);
  void piece_moved(Instant now);
  void compare_rates();
  void adapt_slots();
  void check_grants(Instant now);
  void keep_from_slot(Grant& grant, Instant now);
  [[nodiscard]] Duration ending_patience(const Session& session) const;
  [[nodiscard]] bool is_slow(const Session& session) const;

  // grants at the uploader (upload_grants.cc)
  void grant_more(Instant now);
  [[nodiscard]] bool grant_one(Instant now);
  [[nodiscard]] uint32_t upload_slots() const {
    return std::min(link_.slot_count() + extra_uploads_.count(), slots_max);
  }
  [[nodiscard]] SessionId choose_grantee(std::optional<PieceIndex> piece, Instant now);
  [[nodiscard]] bool may_grant(const Session& session, std::optional<PieceIndex> piece,
                               Instant now) const;
  [[nodiscard]] bool takes_without_a_word(const Session& session, Instant now) const;
  [[nodiscard]] bool is_only_one_lacking(const Session& session) const;
  void offer(SessionId id, Session& session, std::optional<PieceIndex> piece, Instant now);
  [[nodiscard]] bool is_granted(SessionId id, Session& session, const BlockRange& block,
                                Instant now);
  void on_decline(SessionId id, Session& session, uint32_t piece, Instant now);
  void end_grant(SessionId id, PieceIndex piece, Instant now);
  void end_grants(SessionId id);
  void end_cancelled_grant(SessionId id, const Session& session, PieceIndex piece, Instant now);
  void remove_grant(size_t position);
  [[nodiscard]] uint32_t& grant_count(Grant::Place place);
  [[nodiscard]] Grant::Place place_of(const Session& session) const;
  static void grant_refused(Session& session, Instant now);
  static void grant_unused(Session& session, Instant now);
  static void grant_used(Session& session, Instant now);
  [[nodiscard]] bool lacks_something(const Session& session) const;
  [[nodiscard]] bool is_grantable(const Session& session) const;
  void update_grantable(SessionId id, const Session& session);

  // granted pieces at the downloader (download_grants.cc)
  [[nodiscard]] uint32_t download_slots() const {
    return std::min(link_.slot_count() + extra_downloads_.count(), slots_max);
  }
  [[nodiscard]] bool has_download_slot(Instant now) const;
  [[nodiscard]] bool could_adopt(const Session& session) const;
  [[nodiscard]] bool offers_nothing(const Session& session) const;
  void update_free(Instant now);
  void tell_free(SessionId id, Session& session);
  void offer_slot_for(PieceIndex piece);
  void on_grant(SessionId id, Session& session, uint32_t piece, Instant now);
  [[nodiscard]] bool take_grant(SessionId id, Session& session, uint32_t piece, Instant now);
  [[nodiscard]] std::optional<BufferIndex> buffer_for_grant(SessionId id, const Session& session,
                                                            uint32_t piece, Instant now);
  [[nodiscard]] std::optional<PieceIndex> pick_granted(const Session& session, uint32_t piece);
  [[nodiscard]] std::optional<BufferIndex> find_late(SessionId id, const Session& session,
                                                     uint32_t piece, Instant now) const;
  void offer_slot_again(Instant now);

  // sources that bring too little (pace.cc)
  [[nodiscard]] bool is_on_trial(const Session& session, Instant now) const;
  [[nodiscard]] bool has_place_for(SessionId id, const Session& session, bool on_trial) const;
  [[nodiscard]] uint32_t slotless_max() const;
  [[nodiscard]] uint32_t slotless_count() const;
  [[nodiscard]] bool has_proven_source(SessionId id) const;
  [[nodiscard]] bool may_ask_stock(SessionId id, const Session& session, Instant now);
  void check_pace(Instant now);
  void grant_failed(SessionId id, Session& session, Duration pause, Instant now);
  void contributors_proved(const ActivePiece& active);
  [[nodiscard]] bool is_late(const ActivePiece& active, Instant now) const;
  void ask_granted(SessionId id, Session& session, Instant now);
  void granted_progress(ActivePiece& active, Instant now);
  void granted_whole();
  void ungrant(ActivePiece& active);

  // racks (racks.cc)
  [[nodiscard]] bool is_outside(const Session& session) const;
  [[nodiscard]] bool gives_outside_enough() const;
  void tell_claims(SessionId id, const Session& session);
  void cover_rack(SessionId id, Session& session);
  void doubt_mates(Duration patience, Instant now);
  void uncover_rack(SessionId id, Session& session);
  void claim(ActivePiece& active);
  void unclaim(ActivePiece& active);
  void tell_rack(codec::GrantKind kind, PieceIndex piece);
  void on_claim(SessionId id, const Session& session, uint32_t piece, Instant now);
  void on_unclaim(SessionId id, const Session& session, uint32_t piece);
  void check_claims(Instant now);

  // check (check.cc, check_grants.cc)
  [[nodiscard]] std::string_view broken_in_grants() const;
  [[nodiscard]] std::string_view broken_in_grant_state(const Session& session,
                                                       uint32_t grant_count) const;
  [[nodiscard]] std::string_view broken_in_slots() const;
  [[nodiscard]] std::string_view broken_in_rack() const;
  [[nodiscard]] std::string_view broken_in_pieces() const;
  [[nodiscard]] std::string_view broken_in_counts() const;

  SwarmConfig config_;
  EffectSink& sink_;
  Prng prng_;
  BitSet have_;
  BitSet stored_;
  std::vector<PieceState> piece_states_;
  BitSet suspicious_;  // pieces that failed with several contributors: fetched from one next time
  policy::PiecePicker picker_;
  policy::UploadScheduler uploads_;  // to stock clients
  policy::StockShare stock_share_;   // of the uplink
  policy::SlotSet held_back_;        // stock clients that are served when their share allows
  policy::Candidates candidates_;
  ActivePieces active_;
  Slab<Session> sessions_;
  std::vector<SessionId> by_slot_;                      // the live session in each slot
  std::vector<std::pair<IpAddress, PeerId>> culprits_;  // refused when they come back
  policy::AddressBook addresses_{limits::addresses_remembered_max};
  std::vector<uint8_t> bitfield_;  // wire form, reused
  uint32_t open_count_ = 0;
  uint32_t dialing_count_ = 0;
  uint32_t stock_count_ = 0;  // open sessions that do not speak grants

  policy::LinkEstimate link_;
  policy::UploadScheduler granted_uploads_;  // to our own peers
  policy::SlotSet grantable_;                // sessions that are free and lack something we have
  policy::SlotSet grantable_outside_;        // the same, of other racks
  policy::ExtraSlots extra_uploads_;
  policy::ExtraSlots extra_downloads_;
  policy::FirstCopies first_copies_;
  std::vector<Grant> grants_;
  uint32_t slots_taken_ = 0;     // grants that hold a slot
  uint32_t grants_to_slow_ = 0;  // grants that do not
  uint32_t grants_on_trial_ = 0;
  policy::UnansweredGrants unanswered_grants_;
  policy::UnansweredGrants failed_downloads_;  // grants to us that came to nothing
  uint32_t pieces_moved_ = 0;                  // that came whole, right or wrong
  bool uploads_idled_ = false;                 // an upload slot was free in this window
  bool downloads_idled_ = false;
  std::vector<uint32_t> rates_;  // of neighbours, reused
  double usual_rate_ = 0;        // KiB/s: the median of what neighbours say of their links
  bool slow_self_ = false;       // our link is much slower: we upload to whom nobody else does
  uint32_t downloads_open_ = 0;  // granted pieces that hold a download slot
  bool free_ = false;            // neighbours were told that there is a slot
  RackClaims rack_;
  uint64_t outside_bytes_ = 0;  // sent to other racks
  bool stopping_ = false;
  Instant rates_updated_at_{};
  Instant leases_retried_at_{};
  SwarmStats stats_;
};

}  // namespace murder::swarm
