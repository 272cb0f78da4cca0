// What becomes of a request: it is answered, refused or taken back.
#include <algorithm>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"
#include "engine/policy/receive_gathering.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

namespace {

constexpr Duration reject_pause = std::chrono::milliseconds(500);
constexpr Duration snub_pause = std::chrono::seconds(2);
// A grant may have been void by the time that it was taken up.
constexpr Duration rejected_pause = std::chrono::milliseconds(100);

}  // namespace

// The request's units stay `requested` until the transport is disarmed: it may still write into
// their place.
void Swarm::revoke(SessionId id, Session& session, const OutgoingRequest& request) {
  session.revoked.push_back(request);
  session.requested_bytes -= request.block.size_bytes;
  session.cancelled_bytes += request.block.size_bytes;
  if (!session.disarming && session.state == Session::State::open) {
    session.disarming = true;
    sink_.disarm(id);
  }
}

void Swarm::revoke_all(SessionId id, Session& session, bool send_cancels) {
  while (!session.requested.empty()) {
    const OutgoingRequest request = session.requested.pop();
    if (send_cancels) {
      send(id, PeerMessage{.type = MessageType::cancel,
                           .piece = request.block.piece,
                           .offset = request.block.offset,
                           .size_bytes = request.block.size_bytes});
    }
    revoke(id, session, request);
  }
}

void Swarm::on_reject(SessionId id, Session& session, const BlockRange& block, Instant now) {
  for (uint32_t position = 0; position < session.requested.size(); ++position) {
    if (session.requested.at(position).block == block) {
      revoke(id, session, session.requested.remove(position));
      session.cancelled_bytes -= block.size_bytes;  // it will not come
      session.asks_again_at = now + reject_pause;
      if (session.grants.spoken) {
        grant_failed(id, session, rejected_pause, now);
      } else {
        let_go_of_pieces(id, session, now);
      }
      return;
    }
  }
  // The answer to a cancel (BEP 6).
  session.cancelled_bytes -= std::min<uint64_t>(session.cancelled_bytes, block.size_bytes);
}

void Swarm::disarmed(SessionId id, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state == Session::State::closing) {
    return;
  }
  session->disarming = false;
  for (const OutgoingRequest& request : session->revoked) {
    release_request(request);
  }
  session->revoked.clear();
  fill_all(now);
}

void Swarm::release_request(const OutgoingRequest& request) {
  active_.mark_missing(request.buffer, request.block);
  const ActivePiece& active = active_.at(request.buffer);
  if (active.state == ActivePiece::State::draining && active.requested_count == 0) {
    active_.finish(request.buffer);
  }
}

// Its pieces become orphans. What a single contributor had to deliver alone starts again.
void Swarm::let_go_of_pieces(SessionId id, Session& session, Instant now) {
  session.current.reset();
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    ActivePiece& active = active_.at({index});
    if (active.owner != id || (active.state != ActivePiece::State::receiving &&
                               active.state != ActivePiece::State::leasing)) {
      continue;
    }
    active.owner = {};
    active.orphaned_at = now;
    ungrant(active);
    if (active.solo) {
      active_.restart({index});
    }
    offer_slot_for(active.piece);
  }
  update_free(now);
}

void Swarm::give_up(BufferIndex buffer) {
  ActivePiece& active = active_.at(buffer);
  active.state = ActivePiece::State::draining;
  active.owner = {};
  ungrant(active);
  sessions_.each([&](SessionId id, Session& session) {
    for (uint32_t position = 0; position < session.requested.size();) {
      if (session.requested.at(position).buffer != buffer) {
        ++position;
        continue;
      }
      const OutgoingRequest request = session.requested.remove(position);
      send(id, PeerMessage{.type = MessageType::cancel,
                           .piece = request.block.piece,
                           .offset = request.block.offset,
                           .size_bytes = request.block.size_bytes});
      revoke(id, session, request);
    }
  });
  if (active.requested_count == 0) {
    active_.finish(buffer);
  }
}

void Swarm::give_up_duplicates(PieceIndex piece, BufferIndex keep) {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    if (index != keep.raw && active.piece == piece &&
        (active.state == ActivePiece::State::receiving ||
         active.state == ActivePiece::State::leasing)) {
      give_up({index});
    }
  }
}

bool Swarm::may_deliver(const Session& session) const {
  return session.state == Session::State::open && !session.snubbed &&
         (session.grants.spoken || !session.peer_choking);
}

bool Swarm::has_other_source(SessionId id) {
  bool found = false;
  sessions_.each([&](SessionId other_id, const Session& other) {
    found = found || (other_id != id && may_deliver(other) && other.useful_count > 0);
  });
  return found;
}

// Whether another peer (an idle one) has something of what this one was asked for. One that waits
// in line for what nobody else has keeps its place.
bool Swarm::has_alternative_to(SessionId id, const Session& session, bool idle) {
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

void Swarm::snub(SessionId id, Session& session, Instant now) {
  uncover_rack(id, session);
  grant_failed(id, session, snub_pause, now);
}

// --- payload -------------------------------------------------------------------------------------

uint32_t Swarm::expected(SessionId id, std::span<OutgoingRequest> out) const {
  const Session* session = sessions_.get(id);
  if (session == nullptr) {
    return 0;
  }
  const auto count = static_cast<uint32_t>(std::min<size_t>(out.size(), session->requested.size()));
  for (uint32_t position = 0; position < count; ++position) {
    out[position] = session->requested.at(position);
  }
  return count;
}

// Of our own peers each message counts, and large blocks wake us seldom.
uint32_t Swarm::bytes_to_gather(SessionId id) const {
  const Session* session = sessions_.get(id);
  return session == nullptr || session->grants.spoken ||
                 session->block_bytes > limits::block_bytes_stock
             ? 1
             : policy::bytes_to_gather(session->download_rate, session->requested_bytes);
}

PayloadPlace Swarm::payload_begin(SessionId id, const BlockRange& block, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state != Session::State::open) {
    return {};
  }
  ENSURE(!session->arriving);
  session->received_at = now;
  for (uint32_t position = 0; position < session->requested.size(); ++position) {
    if (session->requested.at(position).block == block) {
      session->arriving = session->requested.remove(position);
      session->payload_at = now;
      session->arrived_bytes = 0;
      adapt_window(*session, now - session->arriving->asked_at);
      return {.wanted = true, .buffer = session->arriving->buffer, .offset = block.offset};
    }
  }
  // Taken back, but its place is still ours: welcome, unless the piece was given up.
  const auto late = std::find_if(session->revoked.begin(), session->revoked.end(),
                                 [&](const OutgoingRequest& one) { return one.block == block; });
  if (late != session->revoked.end() &&
      active_.at(late->buffer).state == ActivePiece::State::receiving) {
    session->arriving = *late;
    session->arrived_bytes = 0;
    session->payload_at = now;
    session->requested_bytes += block.size_bytes;
    session->cancelled_bytes -= block.size_bytes;
    session->revoked.erase(late);
    return {.wanted = true, .buffer = session->arriving->buffer, .offset = block.offset};
  }
  stats_.wasted_bytes += block.size_bytes;
  if (session->cancelled_bytes >= block.size_bytes) {
    session->cancelled_bytes -= block.size_bytes;
  } else {
    session->wasted_bytes += block.size_bytes;
    if (session->wasted_bytes > limits::unrequested_bytes_max) {
      end(id, CloseReason::unrequested_data, now);
    }
  }
  return {};
}

void Swarm::payload_end(SessionId id, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state != Session::State::open || !session->arriving) {
    return;
  }
  const OutgoingRequest request = *session->arriving;
  session->arriving.reset();
  session->payload_at = now;
  session->received_at = now;
  session->snubbed = false;
  session->snub_count = session->grants.spoken ? session->snub_count : 0;
  if (session->grants.rack_mate && !session->grants.covers_rack) {
    cover_rack(id, *session);
  }
  session->requested_bytes -= request.block.size_bytes;
  session->messages.earn();
  session->downloaded_bytes += request.block.size_bytes;
  stats_.downloaded_bytes += request.block.size_bytes;
  ActivePiece& active = active_.at(request.buffer);
  if (active.state == ActivePiece::State::receiving) {
    active_.mark_received(request.buffer, request.block,
                          {.session = id,
                           .remote = session->remote,
                           .peer_id = session->peer_id,
                           .listens_on = session->listens_on},
                          now);
    session->grants.declined_since_payload = 0;
    granted_progress(active, now);
    if (active.missing_count == 0 && active.requested_count == 0) {
      active.state = ActivePiece::State::verifying;
      ++pieces_moved_;
      sink_.verify(request.buffer, active.piece);
      granted_whole();
      piece_moved(now);
    }
  } else {
    release_request(request);
  }
  fill_requests(id, *session, now);
  update_free(now);
}

}  // namespace murder::swarm
