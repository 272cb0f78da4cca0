#include "engine/swarm/upload_queues.h"

#include "engine/base/ensure.h"
#include "engine/policy/link_estimate.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

using codec::MessageType;

namespace {

// A neighbour that takes nothing for this long does not keep others waiting.
constexpr Duration stalled_after = std::chrono::milliseconds(200);
constexpr uint32_t granted_served_max = policy::LinkEstimate::slots_max;

}  // namespace

UploadQueues::UploadQueues(Context& context)
    : sink_(context.sink),
      prng_(context.prng),
      sessions_(context.sessions),
      stock_(context.config.sessions_max, context.config.served_max),
      granted_(context.config.sessions_max, granted_served_max),
      held_back_(context.config.sessions_max) {}

void UploadQueues::add(SessionId id, Session& session, const BlockRange& block, Instant now) {
  ENSURE(session.state == Session::State::open && !session.asked.full());
  session.grants.asked_bytes += block.size_bytes;
  if (session.asked.empty() && session.sending_bytes == 0) {
    session.block_sent_at = now;
  }
  session.asked.push(block);
  scheduler_for(session).add(id.slot);
  serve(id, session, now);
}

void UploadQueues::cancel(SessionId id, Session& session, const BlockRange& block) {
  for (uint32_t position = 0; position < session.asked.size(); ++position) {
    if (session.asked.at(position) == block) {
      session.asked.remove(position);
      ENSURE(session.grants.asked_bytes >= block.size_bytes);
      session.grants.asked_bytes -= block.size_bytes;
      if (session.fast_extension) {  // BEP 6: each request is answered, by a piece or a reject
        send(sink_, id, MessageType::reject_request, block);
      }
      return;
    }
  }
}

bool UploadQueues::leave_if_done(SessionId id, Session& session) {
  if (session.asked.empty()) {
    held_back_.set(id.slot, false);
  }
  if (!session.asked.empty() || session.sending_bytes > 0) {
    return false;
  }
  scheduler_for(session).remove(id.slot);
  session.serving.reset();
  return true;
}

void UploadQueues::forget(SessionId id, Session& session) {
  session.asked.clear();
  session.grants.asked_bytes = 0;
  held_back_.set(id.slot, false);
  stock_.remove(id.slot);
  granted_.remove(id.slot);
}

void UploadQueues::becomes_own(SessionId id, const Session& session) {
  ENSURE(session.grants.in_use && session.asked.empty());
  if (session.sending_bytes > 0) {
    granted_.add(id.slot);
  }
}

bool UploadQueues::refuse(SessionId id, Session& session, const BlockRange& block) {
  if (++session.refused_requests > limits::refused_requests_max) {
    return false;
  }
  if (session.fast_extension) {
    send(sink_, id, MessageType::reject_request, block);
  }
  return true;
}

void UploadQueues::serve(SessionId id, Session& session, Instant now) {
  policy::UploadScheduler& scheduler = scheduler_for(session);
  while (session.state == Session::State::open && scheduler.is_served(id.slot) &&
         !session.asked.empty() && session.sending_bytes < limits::send_window_bytes &&
         session.sending_blocks < limits::send_window_blocks) {
    if (!session.grants.in_use && !stock_share_.may_send(now)) {
      held_back_.set(id.slot, true);  // serve_held_back goes on
      return;
    }
    held_back_.set(id.slot, false);
    const BlockRange block = session.asked.front();
    if (session.serving && *session.serving != block.piece && scheduler.piece_done(id.slot)) {
      session.serving.reset();
      return;
    }
    session.serving = block.piece;
    session.asked.pop();
    session.sending_bytes += block.size_bytes;
    ++session.sending_blocks;
    session.sent_at = now;
    if (session.grants.in_use) {
      stock_share_.on_own_block_started(now);
    } else {
      stock_share_.on_stock_block_started(block.size_bytes);
    }
    sink_.send_block(id, block);
  }
}

// Those who were held back, in no order, so that none is always the last.
void UploadQueues::serve_held_back(Instant now) {
  while (!held_back_.empty() && stock_share_.may_send(now)) {
    const uint32_t slot = held_back_.at(prng_.below(held_back_.size()));
    held_back_.set(slot, false);
    Session* held_back = sessions_.get(sessions_.by_slot()[slot]);
    ENSURE(held_back != nullptr && !held_back->grants.in_use);
    Session& session = *held_back;
    session.block_sent_at = now;
    serve(sessions_.by_slot()[slot], session, now);
  }
}

void UploadQueues::admit(uint32_t granted_max, Instant now) {
  granted_.set_served_max(granted_max);
  serve_held_back(now);  // first: one that is done with a piece makes way
  for (policy::UploadScheduler* scheduler : {&granted_, &stock_}) {
    for (uint32_t slot = scheduler->next_admitted(); slot != UINT32_MAX;
         slot = scheduler->next_admitted()) {
      Session* session = sessions_.get(sessions_.by_slot()[slot]);
      ENSURE(session != nullptr);
      session->block_sent_at = now;
      serve(sessions_.by_slot()[slot], *session, now);
    }
  }
}

bool UploadQueues::sent(Session& session, uint32_t size_bytes, Instant now) {
  ENSURE(session.sending_bytes >= size_bytes && session.sending_blocks > 0);
  session.sending_bytes -= size_bytes;
  ENSURE(session.grants.asked_bytes >= size_bytes);
  session.grants.asked_bytes -= size_bytes;
  --session.sending_blocks;
  session.uploaded_bytes += size_bytes;
  session.block_sent_at = now;
  session.sent_at = now;
  return session.grants.in_use && stock_share_.on_own_block_sent(size_bytes, now);
}

void UploadQueues::check_stalled(SessionId id, const Session& session, Instant now) {
  if (session.state == Session::State::open && scheduler_for(session).is_served(id.slot) &&
      !held_back_.contains(id.slot) && now - session.block_sent_at > stalled_after) {
    scheduler_for(session).stalled(id.slot);
  }
}

std::string_view UploadQueues::check() const {
  for (const SessionId id : sessions_.by_slot()) {
    const Session* session = sessions_.get(id);
    if (session == nullptr) {
      continue;
    }
    const bool open = session->state == Session::State::open;
    const policy::UploadScheduler& scheduler = session->grants.in_use ? granted_ : stock_;
    if (open && scheduler.is_served(id.slot) && !session->asked.empty() &&
        session->sending_bytes == 0 && !held_back_.contains(id.slot)) {
      return "a session is served, has requests, and nothing is sent";
    }
    if (held_back_.contains(id.slot) &&
        (session->grants.in_use || session->asked.empty() || !scheduler.is_served(id.slot))) {
      return "a session is held back that is our own, asks for nothing, or is not served";
    }
    if (open && scheduler.is_idle(id.slot) &&
        (!session->asked.empty() || session->sending_bytes > 0)) {
      return "a session has requests and does not stand in line";
    }
  }
  return stock_.has_room_for_waiting() || granted_.has_room_for_waiting()
             ? "a place to be served is free and somebody waits"
             : std::string_view();
}

}  // namespace murder::swarm
