#include "engine/sim/host_sink.h"

#include "engine/base/ensure.h"

namespace murder::sim {

void HostSink::dial(swarm::SessionId session, const Endpoint& endpoint) {
  connections_.dial(host_, session, endpoint);
}

// The other end looks only at which host sends it.
void HostSink::send_handshake(swarm::SessionId session, const codec::Handshake&) {
  connections_.send_handshake(host_, session);
}

void HostSink::send(swarm::SessionId session, const codec::PeerMessage& message) {
  connections_.send(host_, session, message);
}

void HostSink::send_block(swarm::SessionId session, const BlockRange& block) {
  connections_.send_block(host_, session, block);
}

void HostSink::disarm(swarm::SessionId session) {
  connections_.disarm(host_, session);
}

void HostSink::close(swarm::SessionId session, swarm::CloseReason) {
  connections_.close(host_, session);
}

void HostSink::verify(BufferIndex buffer, PieceIndex piece) {
  host_.verify(buffer, piece);
}

void HostSink::store(BufferIndex buffer, PieceIndex piece) {
  host_.store(buffer, piece);
}

// A simulated host has one shard: there is nobody to lease from.
void HostSink::request_lease(PieceIndex) {
  ENSURE(false);
}
void HostSink::return_lease(PieceIndex) {
  ENSURE(false);
}
void HostSink::lease_fulfilled(PieceIndex) {
  ENSURE(false);
}

void HostSink::completed() {
  host_.completed();
}

}  // namespace murder::sim
