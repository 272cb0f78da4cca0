// Bounds of sessions, requests and grants, with the relations between them.
#pragma once

#include <chrono>
#include <cstdint>

#include "engine/base/bounds.h"
#include "engine/base/instant.h"
#include "engine/base/neighbour_bounds.h"

namespace murder::limits {

inline constexpr uint32_t connections_max = 200;  // of one shard
// We stop dialling at this many. In a swarm of more hosts than that a half is dialled and the other
// half comes in, so that all have about as many.
inline constexpr uint32_t connections_to_dial = 32;
static_assert(connections_to_dial < connections_max, "late joiners find room");
// Pieces that are promised or under way to our own peers at a time, and of them to slow ones.
inline constexpr uint32_t grants_max = 32;
inline constexpr uint32_t grants_to_slow_max = 1;
// And to those that are not trusted with a slot.
inline constexpr uint32_t grants_on_trial_max = 16;
static_assert(grants_on_trial_max + grants_to_slow_max < grants_max);
// Grants that a peer may have declined before it is told again that there is a free slot, and
// before it sends something of use. A peer of ours stays below both.
inline constexpr uint32_t grants_declined_since_free_max = 64;
inline constexpr uint32_t grants_declined_since_payload_max = 4000;
// What one rack mate may be fetching from outside for its rack, and what of it may come to nothing
// before it has a piece again.
inline constexpr uint32_t claims_per_mate_max = grants_max;
inline constexpr uint32_t candidates_max = 2000;  // addresses a shard remembers
// Addresses of which a shard remembers what hosts there did.
inline constexpr uint32_t addresses_remembered_max = 1024;
// Grants of sources that are not trusted with a download slot, and pieces that lost theirs since
// they come too slowly, at a time.
inline constexpr uint32_t slotless_downloads_max = 8;
// Requests a peer may have waiting at us (announced as reqq, BEP 10), and ours waiting at it.
inline constexpr uint32_t requests_queued_max = 500;
inline constexpr uint32_t requests_outstanding_max = 256;
// Payload handed to a connection that its socket has not taken yet.
inline constexpr uint32_t send_window_bytes = 1024 * 1024;
inline constexpr uint32_t send_window_blocks = 64;  // a peer may ask for tiny blocks
static_assert(send_window_bytes >= 2 * block_bytes_max);
static_assert(send_window_blocks * block_bytes_stock >= send_window_bytes);
// Payload on request from one peer: grows with its rate up to this.
inline constexpr uint32_t request_window_bytes_max = 4 * 1024 * 1024;
// Payload nobody asked for, and refused requests, before the peer is dropped.
inline constexpr uint32_t unrequested_bytes_max = 4 * 1024 * 1024;
inline constexpr uint32_t refused_requests_max = 4000;
// Longest message that is neither a piece nor a bitfield, which has a bit for each piece.
inline constexpr uint32_t extended_bytes_max = 64 * 1024;
inline constexpr uint32_t control_queue_bytes_max =
    1024 * 1024;  // unsent small messages of one link
static_assert(control_queue_bytes_max > piece_count_max / 8 + 64);
// Small messages that bring nothing, from one link: this many at once, and a second; what carries
// more than message_bytes_free counts as several. What brings something, like the first HAVE of a
// piece or a request that is served, adds to it.
inline constexpr uint32_t messages_at_once_max = 20'000;
inline constexpr uint32_t messages_per_second_max = 2'000;
inline constexpr uint32_t message_bytes_free = 64;

inline constexpr Duration handshake_timeout = std::chrono::seconds(10);
inline constexpr uint32_t dials_at_once_max = 16;
// A dial that is not answered by then does not keep others from being dialled: nobody may be there.
inline constexpr Duration dial_counts_for = std::chrono::milliseconds(250);
inline constexpr uint32_t dials_unanswered_max = 64;
static_assert(dials_at_once_max < dials_unanswered_max && dials_unanswered_max < connections_max);
inline constexpr Duration dial_timeout = std::chrono::seconds(5);
inline constexpr Duration keep_alive_after = std::chrono::seconds(60);
inline constexpr Duration silence_timeout = std::chrono::seconds(150);
static_assert(silence_timeout > 2 * keep_alive_after);
// Requests are out and not a byte came: its pieces are given to others (soon, if one that has them
// is idle), then it is dropped.
inline constexpr Duration request_snub_soon_after = std::chrono::seconds(1);
inline constexpr Duration request_snub_after = std::chrono::seconds(5);
static_assert(request_snub_soon_after < request_snub_after);
// A stock client that stops in the middle of a block is dropped, when others have the piece.
inline constexpr Duration block_stuck_after = std::chrono::milliseconds(1500);
static_assert(request_snub_soon_after < block_stuck_after);
inline constexpr Duration request_timeout = std::chrono::seconds(30);
// A host that knows its rack dials all that it is told of: a mate it is not connected to does not
// hear what it fetches from outside.
inline constexpr uint32_t connections_to_dial_in_rack = rack_mates_max + remote_all_max;
static_assert(rack_mates_full + remote_full < connections_max);

}  // namespace murder::limits
