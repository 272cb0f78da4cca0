// What the parts of a swarm share: how it is set up, where its outputs go, its randomness, and the
// tables of sessions, pieces and addresses. Each part keeps what is its own to itself, and names
// what it uses of this as its members. Owned by the swarm, which outlives its parts.
#pragma once

#include "engine/base/prng.h"
#include "engine/codec/grant_message.h"
#include "engine/policy/address_book.h"
#include "engine/swarm/active_pieces.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/effects.h"
#include "engine/swarm/piece_table.h"
#include "engine/swarm/session_table.h"
#include "engine/swarm/swarm_config.h"

namespace murder::swarm {

struct Context {
  Context(const SwarmConfig& swarm_config, const BitSet& have, const Prng& seeded,
          EffectSink& effects)
      : config(swarm_config),
        sink(effects),
        prng(seeded),
        sessions(config.sessions_max),
        pieces(have, config.sessions_max, prng),
        active(config.geometry, config.piece_buffers) {}

  SwarmConfig config;
  EffectSink& sink;
  Prng prng;
  bool stopping = false;
  SwarmStats stats;
  SessionTable sessions;
  PieceTable pieces;
  ActivePieces active;
  policy::AddressBook addresses{limits::addresses_remembered_max};
};

// We have something that the peer has not.
[[nodiscard]] inline bool lacks_something(const BitSet& have, const Session& session) {
  return have.count() > session.pieces.count() - session.useful_count;
}

inline void send(EffectSink& sink, SessionId id, codec::MessageType type) {
  sink.send(id, codec::PeerMessage{.type = type});
}
// A message that names a block: a request, a cancel, a reject.
inline void send(EffectSink& sink, SessionId id, codec::MessageType type, const BlockRange& block) {
  sink.send(id, codec::PeerMessage{.type = type,
                                   .piece = block.piece,
                                   .offset = block.offset,
                                   .size_bytes = block.size_bytes});
}
inline void send(EffectSink& sink, SessionId id, const Session& session, codec::GrantKind kind,
                 uint32_t value) {
  const auto wire = codec::encode_grant_message({.kind = kind, .value = value});
  sink.send(id, codec::PeerMessage{.type = codec::MessageType::extended,
                                   .payload = wire,
                                   .extended_id = session.grants.extended_id});
}

}  // namespace murder::swarm
