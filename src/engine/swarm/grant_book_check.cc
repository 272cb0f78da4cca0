// What must hold of the grants given between any two inputs. Slow: for tests and the simulator.
#include "engine/swarm/bounds.h"
#include "engine/swarm/grant_book.h"

namespace murder::swarm {

std::string_view GrantBook::check_session(const Session& session, uint32_t grant_count) const {
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
  const bool never_refused =
      session.grants.granted_again_at == Instant{} && !takes_without_a_word(session, Instant{});
  const bool idle = slots_taken_ < slots() && grants_.size() < limits::grants_max;
  if (idle && !stopping_ && !rates_.own_link_is_slow() && never_refused && is_grantable(session) &&
      !rates_.is_slow(session) && !session.only_takes(sessions_.has_takers()) &&
      may_grant(session, {codec::any_piece}, uploader(false, Instant{}))) {
    return "an upload slot and a neighbour are free, and nothing is granted";
  }
  return {};
}

std::string_view GrantBook::check() const {
  uint32_t slots_taken = 0;
  uint32_t on_trial = 0;
  uint32_t to_takers = 0;
  std::vector<uint32_t> grant_counts(sessions_.by_slot().size(), 0);
  for (const Grant& grant : grants_) {
    const Session* session = sessions_.get(grant.session);
    if (session == nullptr || session->state != Session::State::open || !session->grants.in_use) {
      return "a grant is to a session that is not open or does not speak grants";
    }
    if (grant.accepted && grant.piece >= pieces_.have().size()) {
      return "a grant is accepted for no piece";
    }
    ++grant_counts[grant.session.slot];
    slots_taken += grant.place == Grant::Place::slot ? 1U : 0U;
    on_trial += grant.place == Grant::Place::trial ? 1U : 0U;
    to_takers += grant.place == Grant::Place::taker ? 1U : 0U;
  }
  if (slots_taken != slots_taken_ || on_trial != on_trial_ || to_takers != to_takers_ ||
      grants_.size() - slots_taken - on_trial - to_takers != to_slow_ ||
      grants_.size() > limits::grants_max || to_slow_ > limits::grants_to_slow_max ||
      on_trial_ > limits::grants_on_trial_max) {
    return "the slots taken are not what a recount gives, or more than there may be";
  }
  for (uint32_t slot = 0; slot < sessions_.by_slot().size(); ++slot) {
    const Session* session = sessions_.get(sessions_.by_slot()[slot]);
    const bool grantable = session != nullptr && is_grantable(*session);
    const bool outside = grantable && rack_.is_outside(*session);
    if (grantable_.contains(slot) != (grantable && !outside) ||
        grantable_outside_.contains(slot) != outside) {
      return "the set of those who may be granted is not what a recount gives";
    }
    if (session == nullptr) {
      continue;
    }
    const std::string_view broken = check_session(*session, grant_counts[slot]);
    if (!broken.empty()) {
      return broken;
    }
  }
  return {};
}

}  // namespace murder::swarm
