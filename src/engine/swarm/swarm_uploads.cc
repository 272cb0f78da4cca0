// What neighbours ask of us and are given.
#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

void Swarm::refuse(SessionId id, Session& session, const BlockRange& block, Instant now) {
  if (!uploads_.refuse(id, session, block)) {
    end(id, CloseReason::request_flood, now);
  }
}

// One of our own may ask for what it was granted. The round trip of a grant may change the number
// of slots.
bool Swarm::may_ask(SessionId id, Session& session, const BlockRange& block, Instant now) {
  if (!session.grants.in_use) {
    return !session.choking;
  }
  const GrantBook::Request request = grants_.take_up(id, session, block, now);
  if (request.answered_after) {
    rates_.round_trip(*request.answered_after);
  }
  return request.is_granted;
}

void Swarm::on_request(SessionId id, Session& session, const BlockRange& block, Instant now) {
  const bool valid = context_.config.geometry.contains(block) &&
                     block.size_bytes <= context_.config.block_bytes_max;
  if (!valid || !context_.pieces.have().test(block.piece.raw) || session.asked.full() ||
      !may_ask(id, session, block, now)) {
    refuse(id, session, block, now);
    return;
  }
  session.messages.earn();
  uploads_.add(id, session, block, now);
  duties_.mark(Duty::admit);
  if (session.grants.in_use) {
    duties_.mark(Duty::tell_free);
    duties_.mark(Duty::grant);
  }
}

// A slot that this frees is granted before others are served, and twice: what is drawn at random
// stays what it was.
void Swarm::on_cancel(SessionId id, Session& session, const BlockRange& block, Instant now) {
  uploads_.cancel(id, session, block);
  if (session.grants.in_use) {
    if (!session.asks_for(block.piece)) {
      end_grant(id, block.piece, now);
      duties_.mark(Duty::grant);
      settle(now);
    }
    duties_.mark(Duty::grant);
    settle(now);
  }
  if (uploads_.leave_if_done(id, session)) {
    duties_.mark(Duty::admit);
  }
}

void Swarm::end_grant(SessionId id, PieceIndex piece, Instant now) {
  if (grants_.end(id, piece, now)) {
    piece_moved(now);
  }
}

void Swarm::on_decline(SessionId id, Session& session, uint32_t piece, Instant now) {
  if (const std::optional<Duration> took = grants_.decline(id, session, piece, now)) {
    rates_.round_trip(*took);
    duties_.mark(Duty::tell_free);
    duties_.mark(Duty::grant);
  }
}

void Swarm::block_sent(SessionId id, uint32_t size_bytes, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr || session->state == Session::State::closing) {
    return;
  }
  context_.stats.uploaded_bytes += size_bytes;
  rack_.sent(*session, size_bytes);
  if (uploads_.sent(*session, size_bytes, now)) {
    uploads_.stock_share_window_ended({rates_.link().bytes_per_second(), grants_.rate_of_lacking()},
                                      now);
  }
  GrantBook::used(*session, now);
  uploads_.serve(id, *session, now);
  uploads_.leave_if_done(id, *session);
  duties_.mark(Duty::admit);
  duties_.mark(Duty::grant);
  settle(now);
}

}  // namespace murder::swarm
