// What a simulated host's swarm wants done, handed to the part of the simulation that does it.
#pragma once

#include "engine/sim/connections.h"
#include "engine/sim/host.h"
#include "engine/swarm/effects.h"

namespace murder::sim {

class HostSink final : public swarm::EffectSink {
 public:
  HostSink(Host& host, Connections& connections) : host_(host), connections_(connections) {}

  void dial(swarm::SessionId session, const Endpoint& endpoint) override;
  void send_handshake(swarm::SessionId session, const codec::Handshake& handshake) override;
  void send(swarm::SessionId session, const codec::PeerMessage& message) override;
  void send_block(swarm::SessionId session, const BlockRange& block) override;
  void disarm(swarm::SessionId session) override;
  void close(swarm::SessionId session, swarm::CloseReason reason) override;
  void verify(BufferIndex buffer, PieceIndex piece) override;
  void store(BufferIndex buffer, PieceIndex piece) override;
  void request_lease(PieceIndex piece) override;
  void return_lease(PieceIndex piece) override;
  void lease_fulfilled(PieceIndex piece) override;
  void completed() override;

 private:
  Host& host_;
  Connections& connections_;
};

}  // namespace murder::sim
