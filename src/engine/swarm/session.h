// One peer as the swarm sees it: what BEP 3 says each side knows of the other. No socket, no clock.
//
// States: dialing (outgoing only) -> handshaking -> open -> closing. `closing` ends with
// Swarm::closed, when the transport has nothing of this session in flight any more; only then may
// its blocks be asked of another peer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/bounds.h"
#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/base/ring_queue.h"
#include "engine/base/types.h"
#include "engine/policy/exchange.h"
#include "engine/policy/message_budget.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/close_reason.h"
#include "engine/swarm/effects.h"
#include "engine/swarm/grants.h"

namespace murder::swarm {

// One request of ours that is not answered yet, and where its payload goes.
struct OutgoingRequest {
  BlockRange block;
  BufferIndex buffer;
  Instant asked_at{};
};

struct Session {
  enum class State : uint8_t { dialing, handshaking, open, closing };

  Session(const Endpoint& remote_endpoint, bool is_outgoing, Instant now, uint32_t piece_count)
      : remote(remote_endpoint),
        outgoing(is_outgoing),
        state(is_outgoing ? State::dialing : State::handshaking),
        listens_on(is_outgoing ? std::optional(remote_endpoint) : std::nullopt),
        opened_at(now),
        received_at(now),
        sent_at(now),
        payload_at(now),
        messages({.at_once = limits::messages_at_once_max,
                  .per_second = limits::messages_per_second_max,
                  .bytes_free = limits::message_bytes_free},
                 now),
        pieces(piece_count) {}

  Endpoint remote;
  bool outgoing;
  State state;
  CloseReason close_reason = CloseReason::stopping;
  bool was_open = false;
  bool named = false;  // a tracker told of a host at its address
  PeerId peer_id;
  std::optional<Endpoint> listens_on;  // where it can be dialled, when we know
  bool handshake_sent = false;
  bool fast_extension = false;
  bool extension_protocol = false;
  bool first_message = true;  // a bitfield may come
  bool upload_only = false;   // BEP 21, or it has every piece

  bool peer_choking = true;
  bool peer_interested = false;
  bool choking = true;
  bool interested = false;

  Instant opened_at;
  Instant received_at;  // anything at all
  Instant sent_at;
  Instant payload_at;  // last byte of a piece, or the first request after none were out

  policy::MessageBudget messages;
  GrantState grants;  // between our own peers

  // --- download ---
  BitSet pieces;
  bool counted_as_seed = false;  // had everything at once: not in the picker's availabilities
  uint32_t useful_count = 0;     // pieces it has that we have not
  uint32_t block_bytes = limits::block_bytes_stock;  // what one request asks for
  uint32_t requests_max = 250;                       // what it lets wait (reqq, BEP 10)
  RingQueue<OutgoingRequest> requested{limits::requests_outstanding_max};
  std::vector<OutgoingRequest> revoked;  // taken back; free for others once disarmed
  bool disarming = false;
  std::optional<OutgoingRequest> arriving;  // its payload is coming in now
  uint32_t arrived_bytes = 0;               // of it
  uint32_t requested_bytes = 0;
  std::optional<BufferIndex> current;  // the buffer it is asked to fill now
  PieceIndex current_piece;
  bool snubbed = false;       // it left requests unanswered: asked for a block at a time, if at all
  uint32_t snub_count = 0;    // since a piece from it was right
  Instant snubbed_until{};    // nothing is asked of it while others are there
  bool proven = false;        // a piece to which it contributed was right
  bool suspect = false;       // it took part in a piece that failed: no more shared pieces
  uint64_t wasted_bytes = 0;  // payload nobody asked for
  uint64_t cancelled_bytes = 0;  // payload that may still come although we took the request back
  Instant asks_again_at{};       // it refused requests: nothing is asked before
  uint64_t downloaded_bytes = 0;
  uint64_t downloaded_bytes_at_tick = 0;
  double download_rate = 0;            // bytes a second, smoothed
  Duration latency = Duration::max();  // least time from a request to the head of its answer
  uint32_t window_bytes = 0;           // how much is asked of it at a time; see adapt_window()

  // --- upload ---
  RingQueue<BlockRange> asked{limits::requests_queued_max};
  uint32_t sending_bytes = 0;         // handed to the transport, not yet taken by the kernel
  uint32_t sending_blocks = 0;        // the same in blocks
  std::optional<PieceIndex> serving;  // the piece of the block sent last
  uint32_t refused_requests = 0;
  Instant block_sent_at{};
  uint64_t uploaded_bytes = 0;

  // Some of the payload of `arriving`. Progress counts in units: a byte now and then is not
  // progress.
  void payload_arrived(uint32_t size_bytes, uint32_t unit, Instant now) {
    if (!arriving) {
      return;
    }
    const uint32_t units_before = arrived_bytes / unit;
    arrived_bytes = std::min(arrived_bytes + size_bytes, arriving->block.size_bytes);
    if (arrived_bytes / unit != units_before) {
      payload_at = now;
    }
  }
  // It takes from us, and nothing comes back. `has_takers`: of the table.
  [[nodiscard]] bool only_takes(bool has_takers) const {
    return policy::only_takes({.took_points = grants.took_points,
                               .gave_pieces = grants.gave_pieces,
                               .first_copies = grants.first_copies,
                               .spread_copies = grants.spread_copies},
                              has_takers);
  }
  // One more request of ours may wait at it.
  [[nodiscard]] bool has_room_for_request() const {
    return requested.size() < std::min(requests_max, limits::requests_outstanding_max);
  }
  // The peer still waits for some of the piece.
  [[nodiscard]] bool asks_for(PieceIndex piece) const {
    for (uint32_t position = 0; position < asked.size(); ++position) {
      if (asked.at(position).piece == piece) {
        return true;
      }
    }
    return false;
  }
};

}  // namespace murder::swarm
