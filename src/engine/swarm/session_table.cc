#include "engine/swarm/session_table.h"

#include "engine/base/ensure.h"

namespace murder::swarm {

SessionId SessionTable::make(const Endpoint& remote, bool outgoing, Instant now,
                             uint32_t piece_count) {
  const SessionId id = sessions_.make(remote, outgoing, now, piece_count);
  ENSURE(by_slot_[id.slot].is_none());
  by_slot_[id.slot] = id;
  dialing_count_ += outgoing ? 1 : 0;
  return id;
}

void SessionTable::dialed(Session& session) {
  ENSURE(session.state == Session::State::dialing);
  ENSURE(dialing_count_ > 0);
  session.state = Session::State::handshaking;
  --dialing_count_;
}

void SessionTable::opened(Session& session) {
  ENSURE(session.state == Session::State::handshaking);
  session.state = Session::State::open;
  session.was_open = true;
  ++open_count_;
  ++stock_count_;
}

void SessionTable::uses_grants(Session& session) {
  ENSURE(session.state == Session::State::open && !session.grants.in_use);
  ENSURE(stock_count_ > 0);
  session.grants.in_use = true;
  --stock_count_;
}

void SessionTable::took(Session& session, uint32_t points) {
  ENSURE(session.state == Session::State::open);
  session.grants.took_points += points;
  unreturned_ += session.grants.gave_pieces > 0 ? 0U : points;
}

void SessionTable::gave(Session& session) {
  if (session.grants.gave_pieces++ == 0 && session.state == Session::State::open) {
    ENSURE(unreturned_ >= session.grants.took_points);
    unreturned_ -= session.grants.took_points;
  }
}

void SessionTable::closing(Session& session, CloseReason reason) {
  ENSURE(session.state != Session::State::closing);
  if (session.state == Session::State::dialing) {
    ENSURE(dialing_count_ > 0);
    --dialing_count_;
  } else if (session.state == Session::State::open) {
    ENSURE(open_count_ > 0 && (session.grants.in_use || stock_count_ > 0));
    --open_count_;
    stock_count_ -= session.grants.in_use ? 0 : 1;
    unreturned_ -= session.grants.gave_pieces > 0 ? 0 : session.grants.took_points;
  }
  session.state = Session::State::closing;
  session.close_reason = reason;
}

void SessionTable::free(SessionId id) {
  ENSURE(sessions_.get(id) != nullptr && sessions_.get(id)->state == Session::State::closing);
  sessions_.free(id);
  by_slot_[id.slot] = {};
}

std::string_view SessionTable::check() const {
  uint32_t dialing_count = 0;
  uint32_t open_count = 0;
  uint32_t stock_count = 0;
  uint32_t unreturned = 0;
  uint32_t count = 0;
  for (uint32_t slot = 0; slot < by_slot_.size(); ++slot) {
    const Session* session = sessions_.get(by_slot_[slot]);
    if (session == nullptr) {
      continue;
    }
    if (by_slot_[slot].slot != slot) {
      return "a session is not in its slot";
    }
    const bool open = session->state == Session::State::open;
    ++count;
    dialing_count += session->state == Session::State::dialing ? 1U : 0U;
    open_count += open ? 1U : 0U;
    unreturned += open && session->grants.gave_pieces == 0 ? session->grants.took_points : 0U;
    stock_count += open && !session->grants.in_use ? 1U : 0U;
  }
  return count != sessions_.size() || dialing_count != dialing_count_ ||
                 open_count != open_count_ || stock_count != stock_count_ ||
                 unreturned != unreturned_
             ? "a count of sessions is not what a recount gives"
             : std::string_view();
}

}  // namespace murder::swarm
