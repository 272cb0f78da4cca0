// What must hold in a swarm between any two inputs. Slow: for tests and the simulator.
#include <numeric>

#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {
namespace {

// How often each unit of each buffer is named by a request whose bytes may still come.
using NamedUnits = std::vector<std::vector<uint8_t>>;

bool name_units(NamedUnits& named, const OutgoingRequest& request) {
  std::vector<uint8_t>& units = named[request.buffer.raw];
  const uint32_t first = request.block.offset / unit_bytes;
  const uint32_t count = (request.block.size_bytes + unit_bytes - 1) / unit_bytes;
  if (first + count > units.size()) {
    return false;
  }
  for (uint32_t unit = first; unit < first + count; ++unit) {
    ++units[unit];
  }
  return true;
}

std::string_view broken_in_requests(const Session& session, const ActivePieces& active,
                                    NamedUnits& named) {
  uint64_t bytes = 0;
  bool fits = true;
  const auto name = [&](const OutgoingRequest& request) {
    fits = fits && active.at(request.buffer).piece == request.block.piece &&
           name_units(named, request);
  };
  for (uint32_t position = 0; position < session.requested.size(); ++position) {
    bytes += session.requested.at(position).block.size_bytes;
    name(session.requested.at(position));
  }
  if (session.arriving) {
    bytes += session.arriving->block.size_bytes;
    name(*session.arriving);
  }
  for (const OutgoingRequest& request : session.revoked) {
    name(request);
  }
  if (!fits) {
    return "a request names a place outside its piece";
  }
  if (bytes != session.requested_bytes) {
    return "requested_bytes is not the sum of the requests";
  }
  return {};
}

std::string_view broken_in_session(const Session& session, const BitSet& have, uint32_t window) {
  const bool open = session.state == Session::State::open;
  if (!open && (!session.pieces.none() || !session.requested.empty() || !session.asked.empty())) {
    return "a session that is not open has pieces or requests";
  }
  if (open && !session.revoked.empty() && !session.disarming) {
    return "requests were taken back and nobody disarms the transport";
  }
  const uint32_t useful_count = session.pieces.count_outside(have);
  if (useful_count != session.useful_count) {
    return "useful_count is not what a recount gives";
  }
  if (open && session.interested != (useful_count > 0)) {
    return "interest does not follow what the peer has";
  }
  if (session.sending_bytes >= limits::send_window_bytes + window ||
      session.sending_blocks > limits::send_window_blocks) {
    return "more is handed to a transport than its window";
  }
  return {};
}

std::string_view broken_in_buffer(const ActivePiece& active, const std::vector<uint8_t>& named) {
  using State = ActivePiece::State;
  uint32_t missing_count = 0;
  uint32_t requested_count = 0;
  for (uint32_t unit = 0; unit < active.unit_count && active.state != State::idle; ++unit) {
    missing_count += active.units[unit] == UnitState::missing ? 1U : 0U;
    requested_count += active.units[unit] == UnitState::requested ? 1U : 0U;
    if (named[unit] != (active.units[unit] == UnitState::requested ? 1 : 0)) {
      return "a unit is not named by exactly one request when it is requested, else by none";
    }
  }
  if (active.state == State::idle) {
    const bool any = std::accumulate(named.begin(), named.end(), 0U) > 0;
    return any ? "a request names a place in an idle buffer" : std::string_view();
  }
  if (missing_count != active.missing_count || requested_count != active.requested_count) {
    return "a piece's counts are not what a recount of its units gives";
  }
  const bool whole = missing_count == 0 && requested_count == 0;
  if ((active.state == State::verifying || active.state == State::storing) && !whole) {
    return "a piece is verified or stored before it is whole";
  }
  if (active.state == State::receiving && whole) {
    return "a whole piece is not verified";
  }
  if (active.state == State::draining && requested_count == 0) {
    return "a given-up piece that is drained keeps its buffer";
  }
  return {};
}

}  // namespace

std::string_view Swarm::broken_in_pieces() const {
  using State = ActivePiece::State;
  std::vector<uint8_t> copies(have_.size(), 0);  // of each piece, on their way
  uint32_t idle_count = 0;
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    idle_count += active.state == State::idle ? 1U : 0U;
    const bool receiving = active.state == State::receiving || active.state == State::leasing;
    if (receiving && have_.test(active.piece.raw)) {
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
  for (uint32_t piece = 0; piece < have_.size(); ++piece) {
    const PieceState state = piece_states_[piece];
    if ((state == PieceState::missing) != picker_.is_wanted({piece}) ||
        (state == PieceState::had) != have_.test(piece)) {
      return "a piece's state is not that of the picker or of what we have";
    }
    if (state == PieceState::active ? copies[piece] < 1 || copies[piece] > 2
                                    : state != PieceState::had && copies[piece] > 0) {
      return "a piece is active without a buffer, or has a buffer and is not active";
    }
  }
  return {};
}

std::string_view Swarm::broken_in_counts() const {
  uint32_t dialing_count = 0;
  uint32_t open_count = 0;
  uint32_t stock_count = 0;
  std::vector<uint32_t> availability(have_.size(), 0);
  for (const SessionId id : by_slot_) {
    const Session* session = sessions_.get(id);
    if (session == nullptr) {
      continue;
    }
    dialing_count += session->state == Session::State::dialing ? 1U : 0U;
    open_count += session->state == Session::State::open ? 1U : 0U;
    if (!session->counted_as_seed) {
      session->pieces.for_each([&](uint32_t piece) { ++availability[piece]; });
    }
    stock_count += session->state == Session::State::open && !session->grants.spoken ? 1U : 0U;
    const policy::UploadScheduler& line = session->grants.spoken ? granted_uploads_ : uploads_;
    if (session->state == Session::State::open && line.is_served(id.slot) &&
        !session->asked.empty() && session->sending_bytes == 0 && !held_back_.contains(id.slot)) {
      return "a session is served, has requests, and nothing is sent";
    }
    if (held_back_.contains(id.slot) &&
        (session->grants.spoken || session->asked.empty() || !line.is_served(id.slot))) {
      return "a session is held back that is our own, asks for nothing, or is not served";
    }
    if (session->state == Session::State::open && line.is_idle(id.slot) &&
        (!session->asked.empty() || session->sending_bytes > 0)) {
      return "a session has requests and does not stand in line";
    }
  }
  if (dialing_count != dialing_count_ || open_count != open_count_ || stock_count != stock_count_) {
    return "a count of sessions is not what a recount gives";
  }
  for (uint32_t piece = 0; piece < have_.size(); ++piece) {
    if (availability[piece] != picker_.availability({piece})) {
      return "an availability is not what a recount gives";
    }
  }
  return uploads_.has_room_for_waiting() || granted_uploads_.has_room_for_waiting()
             ? "a place to be served is free and somebody waits"
             : std::string_view();
}

std::string_view Swarm::broken_invariant() const {
  NamedUnits named(active_.buffer_count());
  const uint32_t units_max = (config_.geometry.piece_bytes + unit_bytes - 1) / unit_bytes;
  for (std::vector<uint8_t>& units : named) {
    units.assign(units_max, 0);
  }
  for (const SessionId id : by_slot_) {
    if (const Session* session = sessions_.get(id)) {
      std::string_view broken = broken_in_requests(*session, active_, named);
      if (broken.empty()) {
        broken = broken_in_session(*session, have_, config_.block_bytes_max);
      }
      if (!broken.empty()) {
        return broken;
      }
    }
  }
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const std::string_view broken = broken_in_buffer(active_.at({index}), named[index]);
    if (!broken.empty()) {
      return broken;
    }
  }
  for (const std::string_view broken : {addresses_.check(), broken_in_pieces(), broken_in_counts(),
                                        broken_in_grants(), broken_in_rack()}) {
    if (!broken.empty()) {
      return broken;
    }
  }
  return {};
}

}  // namespace murder::swarm
