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
  if (!session.grants.spoken) {
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
  admit(now);
  if (session.grants.spoken) {
    downloads_.update_free(now);
    grant_more(now);
  }
}

void Swarm::on_cancel(SessionId id, Session& session, const BlockRange& block, Instant now) {
  uploads_.cancel(id, session, block);
  if (session.grants.spoken) {
    if (!session.asks_for(block.piece)) {
      end_grant(id, block.piece, now);
      grant_more(now);
    }
    grant_more(now);
  }
  if (uploads_.leave_if_done(id, session)) {
    admit(now);
  }
}

void Swarm::admit(Instant now) {
  uploads_.admit(grants_.served_max(), now);
}

void Swarm::grant_more(Instant now) {
  grants_.give(now);
}

void Swarm::end_grant(SessionId id, PieceIndex piece, Instant now) {
  if (grants_.end(id, piece, now)) {
    piece_moved(now);
  }
}

void Swarm::on_decline(SessionId id, Session& session, uint32_t piece, Instant now) {
  if (const std::optional<Duration> took = grants_.decline(id, session, piece, now)) {
    rates_.round_trip(*took);
    downloads_.update_free(now);
    grant_more(now);
  }
}

// What the links of our own neighbours do together that lack something we have, bytes a second; 0
// when it is not known of all.
double Swarm::rate_of_lacking() {
  double rate = 0;
  bool all_known = true;
  context_.sessions.each([&](SessionId, const Session& session) {
    if (session.state == Session::State::open && session.grants.spoken &&
        lacks_something(context_.pieces.have(), session)) {
      rate += session.grants.told_rate * bytes_per_kib;
      all_known = all_known && session.grants.told_rate > 0;
    }
  });
  return all_known ? rate : 0;
}

void Swarm::block_sent(SessionId id, uint32_t size_bytes, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr || session->state == Session::State::closing) {
    return;
  }
  context_.stats.uploaded_bytes += size_bytes;
  rack_.sent(*session, size_bytes);
  if (uploads_.sent(*session, size_bytes, now)) {
    uploads_.stock_share_window_ended({rates_.link().bytes_per_second(), rate_of_lacking()}, now);
  }
  GrantBook::used(*session, now);
  uploads_.serve(id, *session, now);
  uploads_.leave_if_done(id, *session);
  admit(now);
  grant_more(now);
}

}  // namespace murder::swarm
