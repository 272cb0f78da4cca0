// The swarm of one release on one shard: sessions, pieces on their way, whom to ask, whom to serve.
//
// Sans-I/O: inputs are calls with an Instant, outputs go to the EffectSink. One thread owns it (a
// shard, or the simulator). Bounded by SwarmConfig and bounds.h; what is kept per session grows to
// its bound and stays.
//
// It coordinates parts, each of which keeps its members to itself and is tested alone. They share
// the tables of context.h, and do not call each other:
//   Connections    whom to dial, who comes in, who makes way; what is remembered of an address
//   Greeting       what is said at the start of a session
//   LinkRates      what this host's link does, and those of its neighbours
//   RackShares     what rack mates cover, what this host claims
//   GrantBook      grants at the uploader: whom to promise the next piece
//   UploadQueues   who is served which block next; stock clients within their share
//   Downloads      the fetching half, which owns further parts:
//     BlockRequests  blocks asked for, taken back, answered
//     StockChoice    which piece a stock client is asked for
//     GrantedPieces  granted pieces at the downloader, and who hears that a slot is free
//     Sources        who brings too little, and who could bring it instead
// What may follow from an input is marked (duties.h) and done by settle(), in one order.
#pragma once

#include <algorithm>
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
#include "engine/codec/peer_wire.h"
#include "engine/swarm/connections.h"
#include "engine/swarm/context.h"
#include "engine/swarm/downloads.h"
#include "engine/swarm/duties.h"
#include "engine/swarm/effects.h"
#include "engine/swarm/grant_book.h"
#include "engine/swarm/greeting.h"
#include "engine/swarm/link_rates.h"
#include "engine/swarm/rack_shares.h"
#include "engine/swarm/upload_queues.h"

namespace murder::swarm {

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
  [[nodiscard]] const BitSet& have() const { return context_.pieces.have(); }
  // Of these, the ones that are on disk: all of them, save for a moment after each was verified.
  [[nodiscard]] const BitSet& stored() const { return context_.pieces.stored(); }
  [[nodiscard]] bool complete() const { return context_.pieces.stored().all(); }
  [[nodiscard]] const SwarmStats& stats() const { return context_.stats; }
  [[nodiscard]] uint32_t session_count() const { return context_.sessions.size(); }
  [[nodiscard]] uint32_t open_count() const { return context_.sessions.open_count(); }
  // Open sessions that something was exchanged with, and young ones.
  [[nodiscard]] uint32_t neighbour_count(Instant now) const {
    return connections_.neighbour_count(now);
  }
  [[nodiscard]] const Session* session(SessionId id) const { return context_.sessions.get(id); }
  // Whether somebody may wait for a piece that we have whole: a neighbour that lacks something, or
  // one of another shard.
  [[nodiscard]] bool has_waiting_neighbour();
  [[nodiscard]] const ActivePieces& active() const { return context_.active; }
  [[nodiscard]] uint32_t wanted_count() const { return context_.pieces.picker().wanted_count(); }
  [[nodiscard]] const policy::LinkEstimate& link_estimate() const { return rates_.link(); }
  // Asks the processor for what received() will touch, for a simulator with more swarms than its
  // caches hold: first the objects, some time later what they point to.
  void fetch_ahead(const Session& session) const;
  void fetch_ahead(SessionId id, const Session& session, const codec::PeerMessage& message) const;
  // Which rule that must hold between any two inputs does not; empty when all do. Slow.
  [[nodiscard]] std::string_view broken_invariant() const;

 private:
  // Does what is due, in the order of Duty.
  void settle(Instant now) {
    if (!duties_.none()) {
      do_duties(now);
    }
  }
  void do_duties(Instant now);

  // what sessions say (swarm.cc), how they begin and end (swarm_sessions.cc)
  void open(SessionId id, Session& session, Instant now);
  void on_message(SessionId id, Session& session, const codec::PeerMessage& message, Instant now);
  void on_extended(SessionId id, Session& session, const codec::PeerMessage& message, Instant now);
  [[nodiscard]] bool has_nothing_to_exchange(const Session& session) const;
  void end_if_both_complete(SessionId id, Session& session, Instant now);
  void end_session(SessionId id, CloseReason reason, Instant now);
  bool make_room(const IpAddress* address, Instant now);
  void check_timeouts(SessionId id, Session& session, Instant now);
  void check_silence(SessionId id, Session& session, Instant now);

  // what they have and bring (swarm_downloads.cc)
  void on_pieces(SessionId id, Session& session, const codec::PeerMessage& message, Instant now);
  void learn_copy(SessionId id, PieceIndex piece);
  void on_have(SessionId id, Session& session, PieceIndex piece, Instant now);
  void check_pace(Instant now);
  void bar(const Contributor& culprit, Instant now);
  void mark_have(PieceIndex piece);
  void mark_stored(PieceIndex piece);

  // what they ask of us (swarm_uploads.cc)
  void on_request(SessionId id, Session& session, const BlockRange& block, Instant now);
  [[nodiscard]] bool may_ask(SessionId id, Session& session, const BlockRange& block, Instant now);
  void refuse(SessionId id, Session& session, const BlockRange& block, Instant now);
  void on_cancel(SessionId id, Session& session, const BlockRange& block, Instant now);
  void on_decline(SessionId id, Session& session, uint32_t piece, Instant now);
  void end_grant(SessionId id, PieceIndex piece, Instant now);

  // what our own peers say to each other (swarm_grants.cc)
  void learn_grants(SessionId id, Session& session, const codec::ExtensionHandshake& handshake,
                    Instant now);
  void on_grant_message(SessionId id, Session& session, std::span<const uint8_t> payload,
                        Instant now);
  void piece_moved(Instant now);
  void check_grants(Instant now);
  void on_grant(SessionId id, Session& session, uint32_t piece, Instant now);

  Duties duties_;
  Context context_;
  Connections connections_;
  Greeting greeting_;
  LinkRates rates_;
  RackShares rack_;
  GrantBook grants_;
  UploadQueues uploads_;
  Downloads downloads_;
};

}  // namespace murder::swarm
