#include "engine/sim/host.h"

#include <array>
#include <cstring>

#include "engine/base/ensure.h"
#include "engine/sim/simulation.h"

namespace murder::sim {

Host::Host(Simulation& own_simulation, uint32_t own_index, Prng own_prng)
    : simulation(own_simulation), index(own_index), prng(own_prng), announcer(1, own_prng) {
  constexpr std::array<char, 9> prefix = {"-MU0001-"};  // of our own kind (BEP 20)
  std::memcpy(peer_id.bytes.data(), prefix.data(), prefix.size() - 1);
  for (size_t at = prefix.size() - 1; at < peer_id.bytes.size(); ++at) {
    peer_id.bytes[at] = static_cast<uint8_t>('a' + prng.below(26));
  }
}

void Host::dial(swarm::SessionId session, const Endpoint& endpoint) {
  simulation.dial(*this, session, endpoint);
}

void Host::send_handshake(swarm::SessionId session, const codec::Handshake& handshake) {
  simulation.send_handshake(*this, session, handshake);
}

void Host::send(swarm::SessionId session, const codec::PeerMessage& message) {
  simulation.send(*this, session, message);
}

void Host::send_block(swarm::SessionId session, const BlockRange& block) {
  simulation.send_block(*this, session, block);
}

void Host::disarm(swarm::SessionId session) {
  const SideIndex side_index = side(session);
  ENSURE(side_index != no_side);
  Simulation::push(*this, now + std::chrono::microseconds(5), EventKind::disarmed, side_index);
}

void Host::close(swarm::SessionId session, swarm::CloseReason) {
  simulation.close(*this, session);
}

void Host::verify(BufferIndex buffer, PieceIndex piece) {
  simulation.verify(*this, buffer, piece);
}

void Host::store(BufferIndex buffer, PieceIndex piece) {
  simulation.store(*this, buffer, piece);
}

// A simulated host has one shard: there is nobody to lease from.
void Host::request_lease(PieceIndex) {
  ENSURE(false);
}
void Host::return_lease(PieceIndex) {
  ENSURE(false);
}
void Host::lease_fulfilled(PieceIndex) {
  ENSURE(false);
}

void Host::completed() {
  simulation.completed(*this);
}

}  // namespace murder::sim
