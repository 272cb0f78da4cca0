// The serving half of the swarm: who gets which block next.
#include <algorithm>

#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

namespace {

// A neighbour that takes nothing for this long does not keep others waiting.
constexpr Duration stalled_after = std::chrono::milliseconds(200);

}  // namespace

void Swarm::refuse(SessionId id, Session& session, const BlockRange& block, Instant now) {
  if (++session.refused_requests > limits::refused_requests_max) {
    end(id, CloseReason::request_flood, now);
    return;
  }
  if (session.fast_extension) {
    send(id, PeerMessage{.type = MessageType::reject_request,
                         .piece = block.piece,
                         .offset = block.offset,
                         .size_bytes = block.size_bytes});
  }
}

void Swarm::on_request(SessionId id, Session& session, const BlockRange& block, Instant now) {
  const bool valid =
      config_.geometry.contains(block) && block.size_bytes <= config_.block_bytes_max;
  if (!valid || !have_.test(block.piece.raw) || session.asked.full() ||
      (session.grants.spoken ? !is_granted(id, session, block, now) : session.choking)) {
    refuse(id, session, block, now);
    return;
  }
  session.grants.asked_bytes += block.size_bytes;
  if (session.asked.empty() && session.sending_bytes == 0) {
    session.block_sent_at = now;
  }
  session.asked.push(block);
  session.messages.earn();
  line_of(session).add(id.slot);
  serve(id, session, now);
  admit(now);
  if (session.grants.spoken) {  // the round trip may have changed the number of slots
    update_free(now);
    grant_more(now);
  }
}

void Swarm::on_cancel(SessionId id, Session& session, const BlockRange& block, Instant now) {
  for (uint32_t position = 0; position < session.asked.size(); ++position) {
    if (session.asked.at(position) == block) {
      session.asked.remove(position);
      session.grants.asked_bytes -= block.size_bytes;
      if (session.fast_extension) {  // BEP 6: each request is answered, by a piece or a reject
        send(id, PeerMessage{.type = MessageType::reject_request,
                             .piece = block.piece,
                             .offset = block.offset,
                             .size_bytes = block.size_bytes});
      }
      break;
    }
  }
  if (session.grants.spoken) {
    end_cancelled_grant(id, session, block.piece, now);
    grant_more(now);
  }
  if (session.asked.empty()) {
    held_back_.set(id.slot, false);
  }
  if (session.asked.empty() && session.sending_bytes == 0) {
    line_of(session).remove(id.slot);
    session.serving.reset();
    admit(now);
  }
}

void Swarm::serve(SessionId id, Session& session, Instant now) {
  policy::UploadScheduler& line = line_of(session);
  while (session.state == Session::State::open && line.is_served(id.slot) &&
         !session.asked.empty() && session.sending_bytes < limits::send_window_bytes &&
         session.sending_blocks < limits::send_window_blocks) {
    if (!session.grants.spoken && !stock_share_.may_send(now)) {
      held_back_.set(id.slot, true);  // serve_held_back goes on
      return;
    }
    held_back_.set(id.slot, false);
    const BlockRange block = session.asked.front();
    if (session.serving && *session.serving != block.piece && line.piece_done(id.slot)) {
      session.serving.reset();
      return;
    }
    session.serving = block.piece;
    session.asked.pop();
    session.sending_bytes += block.size_bytes;
    ++session.sending_blocks;
    session.sent_at = now;
    if (session.grants.spoken) {
      stock_share_.own_begins(now);
    } else {
      stock_share_.stock_begins(block.size_bytes);
    }
    sink_.send_block(id, block);
  }
}

// Those who were held back, in no order, so that none is always the last.
void Swarm::serve_held_back(Instant now) {
  while (!held_back_.empty() && stock_share_.may_send(now)) {
    const uint32_t slot = held_back_.at(prng_.below(held_back_.size()));
    held_back_.set(slot, false);
    Session& session = *sessions_.get(by_slot_[slot]);
    session.block_sent_at = now;
    serve(by_slot_[slot], session, now);
  }
}

// What the links of our own neighbours do together that lack something we have, bytes a second; 0
// when it is not known of all.
double Swarm::rate_of_lacking() {
  double rate = 0;
  bool all_known = true;
  sessions_.each([&](SessionId, const Session& session) {
    if (session.state == Session::State::open && session.grants.spoken &&
        lacks_something(session)) {
      rate += session.grants.told_rate * bytes_per_kib;
      all_known = all_known && session.grants.told_rate > 0;
    }
  });
  return all_known ? rate : 0;
}

void Swarm::admit(Instant now) {
  granted_uploads_.set_served_max(upload_slots() + limits::grants_to_slow_max + grants_on_trial_);
  serve_held_back(now);  // first: one that is done with a piece makes way
  for (policy::UploadScheduler* line : {&granted_uploads_, &uploads_}) {
    for (uint32_t slot = line->next_admitted(); slot != UINT32_MAX; slot = line->next_admitted()) {
      Session* session = sessions_.get(by_slot_[slot]);
      ENSURE(session != nullptr);
      session->block_sent_at = now;
      serve(by_slot_[slot], *session, now);
    }
  }
}

void Swarm::block_sent(SessionId id, uint32_t size_bytes, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state == Session::State::closing) {
    return;
  }
  ENSURE(session->sending_bytes >= size_bytes);
  session->sending_bytes -= size_bytes;
  session->grants.asked_bytes -= size_bytes;
  --session->sending_blocks;
  session->uploaded_bytes += size_bytes;
  session->block_sent_at = now;
  session->sent_at = now;
  stats_.uploaded_bytes += size_bytes;
  outside_bytes_ += is_outside(*session) ? size_bytes : 0;
  if (session->grants.spoken && stock_share_.own_sent(size_bytes, now)) {
    stock_share_.window_ended({link_.bytes_per_second(), rate_of_lacking()}, now);
  }
  grant_used(*session, now);
  serve(id, *session, now);
  if (session->asked.empty() && session->sending_bytes == 0) {
    line_of(*session).remove(id.slot);
    session->serving.reset();
  }
  admit(now);
  grant_more(now);
}

void Swarm::forget_requests(SessionId id, Session& session) {
  session.asked.clear();
  session.grants.asked_bytes = 0;
  held_back_.set(id.slot, false);
  uploads_.remove(id.slot);
  granted_uploads_.remove(id.slot);
}

void Swarm::check_stalled(SessionId id, Session& session, Instant now) {
  if (session.state == Session::State::open && line_of(session).is_served(id.slot) &&
      !held_back_.contains(id.slot) && now - session.block_sent_at > stalled_after) {
    line_of(session).stalled(id.slot);
  }
}

}  // namespace murder::swarm
