// What must hold of pieces on their way between any two inputs. Slow: for tests and the simulator.
#include <vector>

#include "engine/swarm/downloads.h"

namespace murder::swarm {

std::string_view Downloads::check_pieces() const {
  using State = ActivePiece::State;
  std::vector<uint8_t> copies(pieces_.count(), 0);  // of each piece, on their way
  uint32_t idle_count = 0;
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    idle_count += active.state == State::idle ? 1U : 0U;
    const bool receiving = active.state == State::receiving || active.state == State::leasing;
    if (receiving && pieces_.have().test(active.piece.raw)) {
      return "a piece that is had is still fetched";
    }
    if (receiving || active.state == State::verifying || active.state == State::storing) {
      ++copies[active.piece.raw];
    }
    const Session* owner = sessions_.get(active.owner);
    if (receiving && !active.owner.is_none() &&
        (owner == nullptr || owner->state != Session::State::open)) {
      return "a piece is owned by a session that is not open";
    }
  }
  if (idle_count != active_.idle_count()) {
    return "idle_count is not the number of idle buffers";
  }
  for (uint32_t piece = 0; piece < pieces_.count(); ++piece) {
    const PieceTable::State state = pieces_.state({piece});
    if (state == PieceTable::State::active ? copies[piece] < 1 || copies[piece] > 2
                                           : state != PieceTable::State::had && copies[piece] > 0) {
      return "a piece is active without a buffer, or has a buffer and is not active";
    }
  }
  return {};
}

std::string_view Downloads::check_availability() const {
  std::vector<uint32_t> availability(pieces_.count(), 0);
  for (const SessionId id : sessions_.by_slot()) {
    const Session* session = sessions_.get(id);
    if (session == nullptr) {
      continue;
    }
    if (!session->counted_as_seed) {
      session->pieces.for_each([&](uint32_t piece) { ++availability[piece]; });
    }
  }
  for (uint32_t piece = 0; piece < pieces_.count(); ++piece) {
    if (availability[piece] != pieces_.picker().availability({piece})) {
      return "an availability is not what a recount gives";
    }
  }
  return {};
}

std::string_view Downloads::check() const {
  for (const std::string_view broken : {requests_.check(), check_pieces(), check_availability(),
                                        granted_.check(), sources_.check()}) {
    if (!broken.empty()) {
      return broken;
    }
  }
  return {};
}

}  // namespace murder::swarm
