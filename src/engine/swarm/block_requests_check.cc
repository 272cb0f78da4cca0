// What must hold of requests and the units they name between any two inputs. Slow: for tests and
// the simulator.
#include <numeric>
#include <vector>

#include "engine/swarm/block_requests.h"

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

std::string_view BlockRequests::check() const {
  NamedUnits named(active_.buffer_count());
  const uint32_t units_max = (config_.geometry.piece_bytes + unit_bytes - 1) / unit_bytes;
  for (std::vector<uint8_t>& units : named) {
    units.assign(units_max, 0);
  }
  for (const SessionId id : sessions_.by_slot()) {
    if (const Session* session = sessions_.get(id)) {
      const std::string_view broken = broken_in_requests(*session, active_, named);
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
  return {};
}

}  // namespace murder::swarm
