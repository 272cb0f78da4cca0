#include "engine/swarm/block_requests.h"

#include <algorithm>
#include <bit>

#include "engine/base/ensure.h"
#include "engine/policy/receive_gathering.h"
#include "engine/policy/request_window.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

using codec::MessageType;

namespace {

// Blocks of our own kind are at least this large, and larger where many of them are under way.
constexpr uint32_t own_block_bytes_min = 128 * 1024;
constexpr uint32_t blocks_per_window = 8;
static_assert(own_block_bytes_min <= limits::block_bytes_max);
constexpr Duration reject_pause = std::chrono::milliseconds(500);

// The grain of a session's window.
uint32_t grain_bytes(const Session& session, const Geometry& geometry) {
  return std::min({session.block_bytes, own_block_bytes_min, geometry.piece_bytes});
}

}  // namespace

BlockRequests::BlockRequests(Context& context)
    : config_(context.config),
      sink_(context.sink),
      stats_(context.stats),
      sessions_(context.sessions),
      active_(context.active) {}

// --- asking --------------------------------------------------------------------------------------

uint32_t BlockRequests::window(const Session& session) const {
  const uint32_t grain = grain_bytes(session, config_.geometry);
  if (session.snubbed) {
    return grain;
  }
  return policy::window_bytes(
      {.grain_bytes = grain,
       .adapted_bytes = session.window_bytes,
       .release_bytes = config_.geometry.total_bytes,
       .download_rate = session.download_rate,
       .serves_in_slices = session.block_bytes == limits::block_bytes_stock},
      limits::request_window_bytes_max);
}

void BlockRequests::adapt_window(Session& session, Duration answered_after) {
  session.latency = std::min(session.latency, answered_after);
  session.window_bytes = policy::adapted_window(
      window(session), grain_bytes(session, config_.geometry), answered_after, session.latency);
}

uint32_t BlockRequests::block_bytes(const Session& session, uint32_t window) {
  const uint32_t large = std::bit_floor(window / blocks_per_window);
  return std::min(session.block_bytes, std::max(large, own_block_bytes_min));
}

void BlockRequests::ask(SessionId id, Session& session, BufferIndex buffer, uint32_t block_bytes,
                        Instant now) {
  ENSURE(session.state == Session::State::open && session.has_room_for_request());
  ENSURE(session.pieces.test(active_.at(buffer).piece.raw));
  const BlockRange block = active_.take_missing(buffer, block_bytes, now);
  if (session.requested.empty() && !session.arriving) {
    session.payload_at = now;
  }
  session.requested.push({block, buffer, now});
  session.requested_bytes += block.size_bytes;
  session.sent_at = now;
  send(sink_, id, MessageType::request, block);
}

// --- taking back ---------------------------------------------------------------------------------

// The request's units stay `requested` until the transport is disarmed: it may still write into
// their place.
void BlockRequests::revoke(SessionId id, Session& session, const OutgoingRequest& request) {
  session.revoked.push_back(request);
  ENSURE(session.requested_bytes >= request.block.size_bytes);
  session.requested_bytes -= request.block.size_bytes;
  session.cancelled_bytes += request.block.size_bytes;
  if (!session.disarming && session.state == Session::State::open) {
    session.disarming = true;
    sink_.disarm(id);
  }
}

void BlockRequests::revoke_all(SessionId id, Session& session, bool send_cancels) {
  while (!session.requested.empty()) {
    const OutgoingRequest request = session.requested.pop();
    if (send_cancels) {
      send(sink_, id, MessageType::cancel, request.block);
    }
    revoke(id, session, request);
  }
}

void BlockRequests::revoke_buffer(BufferIndex buffer) {
  ENSURE(active_.at(buffer).state == ActivePiece::State::draining);
  sessions_.each([&](SessionId id, Session& session) {
    for (uint32_t position = 0; position < session.requested.size();) {
      if (session.requested.at(position).buffer != buffer) {
        ++position;
        continue;
      }
      const OutgoingRequest request = session.requested.remove(position);
      send(sink_, id, MessageType::cancel, request.block);
      revoke(id, session, request);
    }
  });
  if (active_.at(buffer).requested_count == 0) {
    active_.finish(buffer);
  }
}

bool BlockRequests::rejected(SessionId id, Session& session, const BlockRange& block, Instant now) {
  for (uint32_t position = 0; position < session.requested.size(); ++position) {
    if (session.requested.at(position).block == block) {
      revoke(id, session, session.requested.remove(position));
      ENSURE(session.cancelled_bytes >= block.size_bytes);
      session.cancelled_bytes -= block.size_bytes;  // it will not come
      session.asks_again_at = now + reject_pause;
      return true;
    }
  }
  // The answer to a cancel (BEP 6).
  session.cancelled_bytes -= std::min<uint64_t>(session.cancelled_bytes, block.size_bytes);
  return false;
}

void BlockRequests::release(const OutgoingRequest& request) {
  const ActivePiece& active = active_.at(request.buffer);
  ENSURE(active.state == ActivePiece::State::receiving ||
         active.state == ActivePiece::State::draining);
  active_.mark_missing(request.buffer, request.block);
  if (active.state == ActivePiece::State::draining && active.requested_count == 0) {
    active_.finish(request.buffer);
  }
}

void BlockRequests::disarmed(Session& session) {
  ENSURE(session.disarming || session.revoked.empty());
  session.disarming = false;
  for (const OutgoingRequest& request : session.revoked) {
    release(request);
  }
  session.revoked.clear();
}

void BlockRequests::closed(const Session& session) {
  ENSURE(session.state == Session::State::closing && session.requested.empty());
  if (session.arriving) {
    release(*session.arriving);
  }
  for (const OutgoingRequest& request : session.revoked) {
    release(request);
  }
}

// --- answers -------------------------------------------------------------------------------------

uint32_t BlockRequests::expected(const Session& session, std::span<OutgoingRequest> out) const {
  const auto count = static_cast<uint32_t>(std::min<size_t>(out.size(), session.requested.size()));
  for (uint32_t position = 0; position < count; ++position) {
    out[position] = session.requested.at(position);
  }
  return count;
}

// Of our own peers each message counts, and large blocks wake us seldom.
uint32_t BlockRequests::bytes_to_gather(const Session& session) {
  return session.grants.in_use || session.block_bytes > limits::block_bytes_stock
             ? 1
             : policy::bytes_to_gather(session.download_rate, session.requested_bytes);
}

std::optional<PayloadPlace> BlockRequests::begin(Session& session, const BlockRange& block,
                                                 Instant now) {
  ENSURE(!session.arriving);
  for (uint32_t position = 0; position < session.requested.size(); ++position) {
    if (session.requested.at(position).block == block) {
      session.arriving = session.requested.remove(position);
      session.payload_at = now;
      session.arrived_bytes = 0;
      adapt_window(session, now - session.arriving->asked_at);
      return PayloadPlace{
          .wanted = true, .buffer = session.arriving->buffer, .offset = block.offset};
    }
  }
  // Taken back, but its place is still ours: welcome, unless the piece was given up.
  const auto late = std::find_if(session.revoked.begin(), session.revoked.end(),
                                 [&](const OutgoingRequest& one) { return one.block == block; });
  if (late != session.revoked.end() &&
      active_.at(late->buffer).state == ActivePiece::State::receiving) {
    session.arriving = *late;
    session.arrived_bytes = 0;
    session.payload_at = now;
    session.requested_bytes += block.size_bytes;
    // Less is left of them where the peer rejected the block before it sent it all the same.
    session.cancelled_bytes -= std::min<uint64_t>(session.cancelled_bytes, block.size_bytes);
    session.revoked.erase(late);
    return PayloadPlace{.wanted = true, .buffer = session.arriving->buffer, .offset = block.offset};
  }
  stats_.wasted_bytes += block.size_bytes;
  if (session.cancelled_bytes >= block.size_bytes) {
    session.cancelled_bytes -= block.size_bytes;
  } else {
    session.wasted_bytes += block.size_bytes;
    if (session.wasted_bytes > limits::unrequested_bytes_max) {
      return std::nullopt;
    }
  }
  return PayloadPlace{};
}

std::optional<BufferIndex> BlockRequests::end(SessionId id, Session& session, Instant now) {
  ENSURE(session.arriving && session.requested_bytes >= session.arriving->block.size_bytes);
  const OutgoingRequest request = *session.arriving;
  session.arriving.reset();
  session.payload_at = now;
  session.requested_bytes -= request.block.size_bytes;
  session.downloaded_bytes += request.block.size_bytes;
  stats_.downloaded_bytes += request.block.size_bytes;
  if (active_.at(request.buffer).state != ActivePiece::State::receiving) {
    release(request);
    return std::nullopt;
  }
  active_.mark_received(request.buffer, request.block,
                        {.session = id,
                         .remote = session.remote,
                         .peer_id = session.peer_id,
                         .listens_on = session.listens_on},
                        now);
  return request.buffer;
}

}  // namespace murder::swarm
