// A sink that does nothing: tests derive from it and say what they look at.
#pragma once

#include "engine/swarm/effects.h"

namespace murder::test {

class IdleSink : public swarm::EffectSink {
 public:
  void dial(swarm::SessionId, const Endpoint&) override {}
  void send_handshake(swarm::SessionId, const codec::Handshake&) override {}
  void send(swarm::SessionId, const codec::PeerMessage&) override {}
  void send_block(swarm::SessionId, const BlockRange&) override {}
  void disarm(swarm::SessionId) override {}
  void close(swarm::SessionId, swarm::CloseReason) override {}
  void verify(BufferIndex, PieceIndex) override {}
  void store(BufferIndex, PieceIndex) override {}
  void request_lease(PieceIndex) override {}
  void return_lease(PieceIndex) override {}
  void lease_fulfilled(PieceIndex) override {}
  void completed() override {}

 protected:
  ~IdleSink() = default;
};

}  // namespace murder::test
