// What must hold of granted pieces between any two inputs. For tests and the simulator.
#include "engine/swarm/granted_pieces.h"

namespace murder::swarm {

std::string_view GrantedPieces::check() const {
  uint32_t open_count = 0;
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    const bool receiving = active.state == ActivePiece::State::receiving ||
                           active.state == ActivePiece::State::leasing;
    if (active.granted && receiving && active.owner.is_none()) {
      return "a granted piece has no owner";
    }
    if (active.granted && !active.ending && !receiving) {
      return "a piece holds a download slot and is not received";
    }
    if (active.claimed && active.state == ActivePiece::State::draining) {
      return "a given-up piece is claimed";
    }
    if (active.slotless && !active.granted) {
      return "a piece that is not granted is on trial or late";
    }
    open_count += active.granted && !active.ending && !active.slotless ? 1U : 0U;
  }
  if (open_count != open_count_) {
    return "the slots of granted pieces are not what a recount gives";
  }
  if (open_count > policy::LinkEstimate::slots_max) {
    return "more is fetched at a time than there may be slots";
  }
  for (const SessionId id : sessions_.by_slot()) {
    const Session* session = sessions_.get(id);
    if (session != nullptr && session->state == Session::State::open && session->grants.in_use &&
        session->grants.told_free && !free_ && !pieces_.have().all()) {
      return "a neighbour believes that a download slot is free";
    }
  }
  if (pieces_.picker().wanted_count() > 0 && free_ != has_slot({})) {
    return "a download slot is free and nobody was told, or the other way round";
  }
  return {};
}

}  // namespace murder::swarm
