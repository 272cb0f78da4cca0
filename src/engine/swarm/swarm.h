// The swarm of one release on one shard: sessions, pieces on their way, whom to ask, whom to serve.
//
// Sans-I/O: inputs are calls with an Instant, outputs go to the EffectSink. One thread owns it (a
// shard, or the simulator). Bounded by SwarmConfig and bounds.h; what is kept per session grows to
// its bound and stays.
//
// A piece on this shard is in exactly one state: missing (in the picker), active (in one or, near
// the end, two buffers), elsewhere (another shard fetches it) or had.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
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
#include "engine/policy/candidates.h"
#include "engine/policy/piece_picker.h"
#include "engine/policy/upload_scheduler.h"
#include "engine/swarm/active_pieces.h"
#include "engine/swarm/effects.h"
#include "engine/swarm/session.h"

namespace murder::swarm {

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
};

struct SwarmStats {
  uint64_t downloaded_bytes = 0;  // payload that was asked for
  uint64_t uploaded_bytes = 0;
  uint64_t wasted_bytes = 0;  // payload that was not
  uint64_t failed_pieces = 0;
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
  void bytes_received(SessionId id, Instant now);

  // The requests that are out, in the order they were made: where the next payloads will go if the
  // peer answers in order. Returns how many were filled in.
  [[nodiscard]] uint32_t expected(SessionId id, std::span<OutgoingRequest> out) const;
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
  // Timeouts, rates, dials. To be called every `tick_interval`; nothing that is urgent waits for
  // it.
  void tick(Instant now);
  static constexpr Duration tick_interval = std::chrono::milliseconds(100);
  // Ends all sessions; the swarm dials no more.
  void stop(Instant now);

  // --- what is there ---
  [[nodiscard]] const BitSet& have() const { return have_; }
  [[nodiscard]] bool complete() const { return have_.all(); }
  [[nodiscard]] const SwarmStats& stats() const { return stats_; }
  [[nodiscard]] uint32_t session_count() const { return sessions_.size(); }
  [[nodiscard]] uint32_t open_count() const { return open_count_; }
  [[nodiscard]] const Session* session(SessionId id) const { return sessions_.get(id); }
  [[nodiscard]] const ActivePieces& active() const { return active_; }
  [[nodiscard]] uint32_t wanted_count() const { return picker_.wanted_count(); }
  // Which rule that must hold between any two inputs does not; empty when all do. Slow.
  [[nodiscard]] std::string_view broken_invariant() const;

 private:
  enum class PieceState : uint8_t { missing, active, elsewhere, had };

  // sessions (swarm.cc: what they say; connections.cc: how they begin and end)
  void send_handshake(SessionId id, Session& session, Instant now);
  void open(SessionId id, Session& session, Instant now);
  void send_pieces_we_have(SessionId id, Session& session);
  void send_extension_handshake(SessionId id, const Session& session);
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
  [[nodiscard]] bool is_address_barred(const IpAddress& address) const;
  void dial_more(Instant now);
  void check_timeouts(SessionId id, Session& session, Instant now);
  void update_rates(Instant now);

  // download (download.cc: what is asked; requests.cc: what becomes of it; whole_pieces.cc)
  void on_pieces(SessionId id, Session& session, const codec::PeerMessage& message, Instant now);
  void on_more_pieces(SessionId id, Session& session, const codec::PeerMessage& message,
                      Instant now);
  void on_have(SessionId id, Session& session, PieceIndex piece, Instant now);
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
  void ask(SessionId id, Session& session, Instant now);
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
  void admit(Instant now);
  void forget_requests(SessionId id, Session& session);
  void check_stalled(SessionId id, Session& session, Instant now);

  // check (check.cc)
  [[nodiscard]] std::string_view broken_in_pieces() const;
  [[nodiscard]] std::string_view broken_in_counts() const;

  SwarmConfig config_;
  EffectSink& sink_;
  Prng prng_;
  BitSet have_;
  std::vector<PieceState> piece_states_;
  BitSet suspicious_;  // pieces that failed with several contributors: fetched from one next time
  policy::PiecePicker picker_;
  policy::UploadScheduler uploads_;
  policy::Candidates candidates_;
  ActivePieces active_;
  Slab<Session> sessions_;
  std::vector<SessionId> by_slot_;  // the live session in each slot
  std::vector<PeerId> barred_ids_;
  std::vector<std::pair<IpAddress, uint32_t>> strikes_;  // address, how often caught
  std::vector<uint8_t> bitfield_;                        // wire form, reused
  uint32_t open_count_ = 0;
  uint32_t dialing_count_ = 0;
  bool stopping_ = false;
  Instant rates_updated_at_{};
  Instant leases_retried_at_{};
  SwarmStats stats_;
};

}  // namespace murder::swarm
