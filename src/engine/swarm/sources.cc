#include "engine/swarm/sources.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/policy/address_share.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

namespace {

constexpr uint32_t snub_doublings_max = 4;

}  // namespace

Sources::Sources(Context& context, const LinkRates& rates)
    : sessions_(context.sessions),
      pieces_(context.pieces),
      active_(context.active),
      addresses_(context.addresses),
      rates_(rates) {}

// --- may it bring something? ---------------------------------------------------------------------

bool Sources::is_on_trial(const Session& session, uint32_t slots, Instant now) const {
  return session.snub_count > 0 ||
         (!session.proven &&
          (failed_grants_.exceeds(slots) || addresses_.is_distrusted(session.remote.address, now)));
}

bool Sources::waits(SessionId id, const Session& session, Instant now) const {
  const bool waits = (session.snubbed && now < session.snubbed_until) ||
                     (!session.proven && addresses_.waits(session.remote.address, now));
  return waits && has_other(id);
}

uint32_t Sources::slotless_max() const {
  return std::clamp(active_.buffer_count() / 2, 1U, limits::slotless_downloads_max);
}

uint32_t Sources::slotless_count() const {
  const std::span<const uint32_t> used = active_.used();
  return static_cast<uint32_t>(std::count_if(
      used.begin(), used.end(), [&](uint32_t index) { return active_.at({index}).slotless; }));
}

bool Sources::has_place_for(SessionId id, const Session& session, bool on_trial) const {
  if (session.proven && !on_trial) {
    return true;
  }
  const std::span<const uint32_t> used = active_.used();
  const bool is_taken = std::any_of(used.begin(), used.end(), [&](uint32_t index) {
    const ActivePiece& active = active_.at({index});
    const Session* owner = sessions_.get(active.owner);
    return active.granted &&
           (active.owner == id || (on_trial && active.slotless && owner != nullptr &&
                                   policy::shared_address(owner->remote.address) ==
                                       policy::shared_address(session.remote.address)));
  });
  return !is_taken && (!on_trial || slotless_count() < slotless_max());
}

bool Sources::has_proven(SessionId besides) const {
  return std::any_of(
      sessions_.by_slot().begin(), sessions_.by_slot().end(), [&](SessionId other_id) {
        const Session* other = sessions_.get(other_id);
        return other_id != besides && other != nullptr && other->state == Session::State::open &&
               other->proven && other->useful_count > 0;
      });
}

// Of stock clients: what they are asked for ties up a buffer, so of those on trial a few are.
bool Sources::may_ask_stock(SessionId id, const Session& session, uint32_t slots,
                            Instant now) const {
  if (session.snubbed && now < session.snubbed_until && has_other(id)) {
    return false;
  }
  if (session.proven) {
    return true;
  }
  if (addresses_.waits(session.remote.address, now) && has_other(id)) {
    return false;
  }
  if (!is_on_trial(session, slots, now) || session.current) {
    return true;
  }
  // What it holds back, it holds back until it is dropped: too long at the end of a release.
  const bool ends_soon = pieces_.picker().wanted_count() * rates_.link().piece_duration() <
                         2 * limits::block_stuck_after * slots;
  if (ends_soon && has_proven(id)) {
    return false;
  }
  const std::span<const uint32_t> used = active_.used();
  const auto count = std::count_if(used.begin(), used.end(), [&](uint32_t index) {
    const Session* owner = sessions_.get(active_.at({index}).owner);
    return owner != nullptr && !owner->proven;
  });
  return static_cast<uint32_t>(count) < slotless_max();
}

// --- who else? -----------------------------------------------------------------------------------

bool Sources::may_deliver(const Session& session) {
  return session.state == Session::State::open && !session.snubbed &&
         (session.grants.in_use || !session.peer_choking);
}

bool Sources::has_other(SessionId id) const {
  bool found = false;
  sessions_.each([&](SessionId other_id, const Session& other) {
    found = found || (other_id != id && may_deliver(other) && other.useful_count > 0);
  });
  return found;
}

// One that waits in line for what nobody else has keeps its place.
bool Sources::has_alternative_to(SessionId id, const Session& session, bool idle) const {
  bool found = false;
  const auto look = [&](PieceIndex piece) {
    sessions_.each([&](SessionId other_id, const Session& other) {
      found = found || (other_id != id && may_deliver(other) && other.pieces.test(piece.raw) &&
                        (!idle || other.requested_bytes == 0));
    });
  };
  if (session.arriving) {
    look(session.arriving->block.piece);
  }
  std::optional<PieceIndex> before;
  for (uint32_t position = 0; position < session.requested.size() && !found; ++position) {
    const PieceIndex piece = session.requested.at(position).block.piece;
    if (piece != before) {
      look(piece);
    }
    before = piece;
  }
  return found;
}

// --- what became of it ---------------------------------------------------------------------------

policy::PieceVerdict Sources::judge(BufferIndex buffer, Instant now) const {
  const ActivePiece& active = active_.at(buffer);
  const Session* owner = sessions_.get(active.owner);
  if (!active.granted || active.state != ActivePiece::State::receiving || owner == nullptr) {
    return policy::PieceVerdict::fine;
  }
  ENSURE(active.received_count() >= active.granted_units);
  ENSURE(pieces_moved_ >= active.moved_when_granted);
  const bool arrives = owner->arriving && owner->arriving->buffer == buffer;
  return policy::judge_pace(
      {.elapsed = now - active.granted_at,
       .usual = rates_.link().piece_duration(),
       .size_bytes =
           active.size_bytes - std::min(active.size_bytes, active.granted_units * unit_bytes),
       .received_bytes = (active.received_count() - active.granted_units) * unit_bytes +
                         (arrives ? owner->arrived_bytes : 0),
       .others_moved = pieces_moved_ - active.moved_when_granted});
}

void Sources::failed(Session& session, Duration pause, Instant now) {
  session.snubbed = true;
  session.snubbed_until = now + pause * (1 << std::min(session.snub_count, snub_doublings_max));
  ++session.snub_count;
  session.proven = false;
  failed_grants_.record(now);
  if (session.grants.in_use) {
    addresses_.offended(session.remote.address, now);
  }
}

bool Sources::proved(Session& session) {
  if (session.proven) {
    return false;
  }
  session.proven = true;
  session.snub_count = 0;
  addresses_.proved(session.remote.address);
  return true;
}

std::string_view Sources::check() const {
  return slotless_count() > slotless_max() ? "more pieces are fetched without a slot than may be"
                                           : std::string_view();
}

}  // namespace murder::swarm
