// What must hold of grants, slots and claims between any two inputs. Slow: for tests and the
// simulator.
#include <algorithm>

#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

std::string_view Swarm::broken_in_slots() const {
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
  if (open_count != downloads_open_) {
    return "downloads_open is not what a recount gives";
  }
  if (open_count > slots_max) {
    return "more is fetched at a time than there may be slots";
  }
  if (picker_.wanted_count() > 0 && free_ != has_download_slot({})) {
    return "a download slot is free and nobody was told, or the other way round";
  }
  return {};
}

std::string_view Swarm::broken_in_grants() const {
  uint32_t slots_taken = 0;
  uint32_t on_trial = 0;
  std::vector<uint32_t> grant_counts(by_slot_.size(), 0);
  for (const Grant& grant : grants_) {
    const Session* session = sessions_.get(grant.session);
    if (session == nullptr || session->state != Session::State::open || !session->grants.spoken) {
      return "a grant is to a session that is not open or does not speak grants";
    }
    if (grant.accepted && grant.piece >= have_.size()) {
      return "a grant is accepted for no piece";
    }
    ++grant_counts[grant.session.slot];
    slots_taken += grant.place == Grant::Place::slot ? 1U : 0U;
    on_trial += grant.place == Grant::Place::trial ? 1U : 0U;
  }
  if (slots_taken != slots_taken_ || on_trial != grants_on_trial_ ||
      grants_.size() - slots_taken - on_trial != grants_to_slow_ ||
      grants_.size() > limits::grants_max || grants_to_slow_ > limits::grants_to_slow_max ||
      grants_on_trial_ > limits::grants_on_trial_max) {
    return "the slots taken are not what a recount gives, or more than there may be";
  }
  for (uint32_t slot = 0; slot < by_slot_.size(); ++slot) {
    const Session* session = sessions_.get(by_slot_[slot]);
    const bool grantable = session != nullptr && is_grantable(*session);
    const bool outside = grantable && is_outside(*session);
    if (grantable_.contains(slot) != (grantable && !outside) ||
        grantable_outside_.contains(slot) != outside) {
      return "the set of those who may be granted is not what a recount gives";
    }
    if (session == nullptr) {
      continue;
    }
    const std::string_view broken = broken_in_grant_state(*session, grant_counts[slot]);
    if (!broken.empty()) {
      return broken;
    }
  }
  return broken_in_slots();
}

std::string_view Swarm::broken_in_grant_state(const Session& session, uint32_t grant_count) const {
  const bool open = session.state == Session::State::open;
  if (session.grants.grants != grant_count) {
    return "a session's grants are not what a recount gives";
  }
  uint64_t asked_bytes = open ? session.sending_bytes : 0;
  for (uint32_t position = 0; position < session.asked.size(); ++position) {
    asked_bytes += session.asked.at(position).size_bytes;
  }
  if (asked_bytes != session.grants.asked_bytes) {
    return "asked_bytes is not what a recount gives";
  }
  if (open && session.grants.spoken && session.grants.told_free && !free_ && !have_.all()) {
    return "a neighbour believes that a download slot is free";
  }
  const bool never_refused =
      session.grants.granted_again_at == Instant{} && !takes_without_a_word(session, Instant{});
  const bool idle = slots_taken_ < upload_slots() && grants_.size() < limits::grants_max;
  if (idle && !stopping_ && !slow_self_ && never_refused && is_grantable(session) &&
      !is_slow(session) && may_grant(session, std::nullopt, Instant{})) {
    return "an upload slot and a neighbour are free, and nothing is granted";
  }
  return {};
}

std::string_view Swarm::broken_in_rack() const {
  if (!rack_.active()) {
    return {};
  }
  uint32_t mate_count = 0;
  std::vector<uint32_t> holders(have_.size(), 0);
  for (const SessionId id : by_slot_) {
    const Session* session = sessions_.get(id);
    if (session == nullptr || session->state != Session::State::open ||
        !session->grants.covers_rack) {
      continue;
    }
    ++mate_count;
    session->pieces.for_each([&](uint32_t piece) { ++holders[piece]; });
  }
  if (mate_count != rack_.mate_count()) {
    return "the number of rack mates is not what a recount gives";
  }
  for (uint32_t piece = 0; piece < have_.size(); ++piece) {
    if (holders[piece] != rack_.holders({piece}) ||
        (holders[piece] > 0 && !rack_.covers({piece}))) {
      return "who in the rack has a piece is not what a recount gives";
    }
  }
  return {};
}

}  // namespace murder::swarm
