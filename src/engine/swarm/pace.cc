// Sources that bring too little of what they granted: what they hold, and what is given to others.
#include <algorithm>

#include "engine/policy/address_share.h"
#include "engine/policy/piece_pace.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

namespace {

constexpr uint32_t snub_doublings_max = 4;
constexpr Duration slow_pause = std::chrono::seconds(1);

}  // namespace

// It let us down and has not made up for it; or it never was of use, and others like it let us down
// lately, or others at its address.
bool Swarm::is_on_trial(const Session& session, Instant now) const {
  return session.snub_count > 0 ||
         (!session.proven && (failed_downloads_.more_than(download_slots()) ||
                              addresses_.is_distrusted(session.remote.address, now)));
}

uint32_t Swarm::slotless_max() const {
  return std::clamp(active_.buffer_count() / 2, 1U, limits::slotless_downloads_max);
}

uint32_t Swarm::slotless_count() const {
  const std::span<const uint32_t> used = active_.used();
  return static_cast<uint32_t>(std::count_if(
      used.begin(), used.end(), [&](uint32_t index) { return active_.at({index}).slotless; }));
}

// On trial one piece of all who have the same address, and of any newcomer one piece.
bool Swarm::has_place_for(SessionId id, const Session& session, bool on_trial) const {
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

bool Swarm::has_proven_source(SessionId id) const {
  return std::any_of(by_slot_.begin(), by_slot_.end(), [&](SessionId other_id) {
    const Session* other = sessions_.get(other_id);
    return other_id != id && other != nullptr && other->state == Session::State::open &&
           other->proven && other->useful_count > 0;
  });
}

// Of stock clients: what they are asked for ties up a buffer, so of those on trial a few are.
bool Swarm::may_ask_stock(SessionId id, const Session& session, Instant now) {
  if (session.proven) {
    return true;
  }
  if (addresses_.waits(session.remote.address, now) && has_other_source(id)) {
    return false;
  }
  if (!is_on_trial(session, now) || session.current) {
    return true;
  }
  // What it holds back, it holds back until it is dropped: too long at the end of a release.
  const bool ends_soon = picker_.wanted_count() * link_.piece_duration() <
                         2 * limits::block_stuck_after * download_slots();
  if (ends_soon && has_proven_source(id)) {
    return false;
  }
  const std::span<const uint32_t> used = active_.used();
  const auto count = std::count_if(used.begin(), used.end(), [&](uint32_t index) {
    const Session* owner = sessions_.get(active_.at({index}).owner);
    return owner != nullptr && !owner->proven;
  });
  return static_cast<uint32_t>(count) < slotless_max();
}

// What it granted came to nothing: it waits longer each time before it is asked again.
void Swarm::grant_failed(SessionId id, Session& session, Duration pause, Instant now) {
  session.snubbed = true;
  session.snubbed_until = now + pause * (1 << std::min(session.snub_count, snub_doublings_max));
  ++session.snub_count;
  session.proven = false;
  failed_downloads_.one_more(now);
  if (session.grants.spoken) {
    addresses_.offended(session.remote.address, now);
  }
  revoke_all(id, session, true);
  let_go_of_pieces(id, session, now);
}

// A piece from it was right.
void Swarm::contributors_proved(const ActivePiece& active) {
  for (const Contributor& contributor : active.contributors) {
    Session* session = sessions_.get(contributor.session);
    if (session == nullptr || session->proven) {
      continue;
    }
    session->proven = true;
    session->snub_count = 0;
    addresses_.proved(session->remote.address);
    // What it granted meanwhile was declined.
    if (free_ && session->state == Session::State::open && session->grants.spoken &&
        !offers_nothing(*session)) {
      tell_free(contributor.session, *session);
    }
  }
}

// A late piece makes room for another; one that will not come is fetched elsewhere, if anybody else
// has it. A block whose payload has begun ties up its place until it is whole, so its connection
// ends.
void Swarm::check_pace(Instant now) {
  failed_downloads_.forget(now);
  bool freed = false;
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    ActivePiece& active = active_.at({index});
    Session* owner = sessions_.get(active.owner);
    if (!active.granted || active.state != ActivePiece::State::receiving || owner == nullptr) {
      continue;
    }
    const SessionId id = active.owner;
    const bool arrives = owner->arriving && owner->arriving->buffer.raw == index;
    const policy::PieceVerdict verdict = policy::judge_pace(
        {.elapsed = now - active.granted_at,
         .usual = link_.piece_duration(),
         .size_bytes =
             active.size_bytes - std::min(active.size_bytes, active.granted_units * unit_bytes),
         .received_bytes = (active.received_count() - active.granted_units) * unit_bytes +
                           (arrives ? owner->arrived_bytes : 0),
         .others_moved = pieces_moved_ - active.moved_when_granted});
    if (verdict == policy::PieceVerdict::fine) {
      continue;
    }
    if (verdict == policy::PieceVerdict::hopeless && has_alternative_to(id, *owner, false)) {
      grant_failed(id, *owner, slow_pause, now);
      if (arrives) {
        end(id, CloseReason::too_slow, now);
      }
    } else if (!active.slotless && !active.ending && slotless_count() < slotless_max()) {
      active.slotless = true;
      --downloads_open_;
      freed = true;
    }
  }
  if (freed) {
    update_free(now);
  }
}

}  // namespace murder::swarm
