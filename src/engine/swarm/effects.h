// What the swarm wants done. The node does it with sockets and files, the simulator with a queue of
// events, a test writes it down. An effect must not call back into the swarm; its outcome comes
// later as an input.
#pragma once

#include "engine/base/endpoint.h"
#include "engine/base/slab.h"
#include "engine/base/types.h"
#include "engine/codec/peer_wire.h"
#include "engine/swarm/close_reason.h"

namespace murder::swarm {

struct Session;
using SessionId = Handle<Session>;

class EffectSink {
 public:
  // Open a connection to the endpoint. Outcome: Swarm::dialed, or Swarm::end (dial_failed).
  virtual void dial(SessionId session, const Endpoint& endpoint) = 0;
  virtual void send_handshake(SessionId session, const codec::Handshake& handshake) = 0;
  // Not for piece messages. Spans in the message are valid during the call only.
  virtual void send(SessionId session, const codec::PeerMessage& message) = 0;
  // Send a piece message with these bytes of the store. Outcome: Swarm::block_sent.
  virtual void send_block(SessionId session, const BlockRange& block) = 0;
  // Let go of every place that was named for this session's payload. Outcome: Swarm::disarmed.
  virtual void disarm(SessionId session) = 0;
  // End the connection, whatever is under way. Outcome: Swarm::closed, once nothing of it is in
  // flight.
  virtual void close(SessionId session, CloseReason reason) = 0;

  // Hash the buffer's piece and compare. Outcome: Swarm::piece_verified.
  virtual void verify(BufferIndex buffer, PieceIndex piece) = 0;
  // Write the verified buffer to the store. Outcome: Swarm::piece_stored.
  virtual void store(BufferIndex buffer, PieceIndex piece) = 0;

  // With several shards: may this shard fetch the piece? Outcome: Swarm::lease_answered.
  virtual void request_lease(PieceIndex piece) = 0;
  // This shard gives the lease back: nobody here can deliver the piece.
  virtual void return_lease(PieceIndex piece) = 0;
  // This shard has stored a piece it had leased.
  virtual void lease_fulfilled(PieceIndex piece) = 0;

  // The last piece is stored. Told once, or never when everything was there at the start.
  virtual void completed() = 0;

 protected:
  ~EffectSink() = default;
};

}  // namespace murder::swarm
