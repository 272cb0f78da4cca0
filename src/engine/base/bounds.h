// Every bound of the engine and the tracker in one place, with the relations between them.
#pragma once

#include <chrono>
#include <cstdint>

#include "engine/base/instant.h"

namespace murder::limits {

// --- Blocks and pieces --------------------------------------------------------------------------

// What stock clients ask for, and the largest request they serve (BEP 3: 2^14).
inline constexpr uint32_t block_bytes_stock = 16 * 1024;
// The largest block we ask of or serve to our own kind (announced in the extension handshake).
inline constexpr uint32_t block_bytes_max = 512 * 1024;
inline constexpr uint32_t piece_bytes_min = 16 * 1024;         // what create makes
inline constexpr uint32_t piece_bytes_max = 32 * 1024 * 1024;  // what a torrent may have
inline constexpr uint32_t piece_count_max = 4 * 1024 * 1024;
static_assert(block_bytes_stock <= piece_bytes_min);
static_assert(block_bytes_max <= piece_bytes_max);

// --- Peers --------------------------------------------------------------------------------------

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
// before it sends something of use: beyond it is no peer of ours.
inline constexpr uint32_t grants_declined_since_free_max = 64;
inline constexpr uint32_t grants_declined_since_payload_max = 4000;
// What one rack mate may be fetching from outside for its rack, and what of it may come to nothing
// before it has a piece again.
inline constexpr uint32_t claims_per_mate_max = grants_max;
inline constexpr uint32_t rack_name_bytes_max = 64;
inline constexpr uint32_t candidates_max = 2000;  // addresses a shard remembers
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

inline constexpr Duration handshake_timeout = std::chrono::seconds(10);
inline constexpr uint32_t dials_at_once_max = 16;
inline constexpr Duration dial_timeout = std::chrono::seconds(5);
inline constexpr Duration keep_alive_after = std::chrono::seconds(60);
inline constexpr Duration silence_timeout = std::chrono::seconds(150);
static_assert(silence_timeout > 2 * keep_alive_after);
// Requests are out and not a byte came: its pieces are given to others (soon, if one that has them
// is idle), then it is dropped.
inline constexpr Duration request_snub_soon_after = std::chrono::seconds(1);
inline constexpr Duration request_snub_after = std::chrono::seconds(5);
static_assert(request_snub_soon_after < request_snub_after);
inline constexpr Duration request_timeout = std::chrono::seconds(30);

// --- Memory of a process ------------------------------------------------------------------------

inline constexpr uint64_t memory_bytes_default = 64ULL * 1024 * 1024;
inline constexpr uint32_t piece_buffers_min = 2;
inline constexpr uint32_t piece_buffers_max = 1024;
static_assert(uint64_t{piece_bytes_max} * piece_buffers_min <= memory_bytes_default);

// --- Metainfo and bencode -----------------------------------------------------------------------

inline constexpr uint32_t torrent_bytes_max = 256 * 1024 * 1024;
inline constexpr uint32_t bencode_depth_max = 32;
// A dictionary whose keys are out of order is searched for twins only up to this size.
inline constexpr uint32_t bencode_unsorted_keys_max = 4096;
inline constexpr uint32_t torrent_files_max = 1024 * 1024;
inline constexpr uint32_t torrent_trackers_max = 256;     // what we keep of a torrent's list
inline constexpr uint32_t path_part_bytes_max = 255;      // NAME_MAX of Linux
inline constexpr uint32_t torrent_path_bytes_max = 3072;  // leaves room in PATH_MAX for a directory
inline constexpr uint32_t tag_bytes_max = 200;  // with .tar.zst.torrent it stays a file name
inline constexpr uint32_t name_bytes_max = tag_bytes_max + 20;  // of a torrent's content
static_assert(name_bytes_max <= path_part_bytes_max);

// --- Releases on disk ---------------------------------------------------------------------------

inline constexpr uint32_t path_bytes_max = 16 * 1024;  // of an entry of a tree; below its root
inline constexpr uint32_t path_depth_max = 256;        // levels below the root

// --- HTTP and tracker ---------------------------------------------------------------------------

inline constexpr uint32_t http_head_bytes_max = 16 * 1024;
inline constexpr uint32_t http_fields_max = 64;  // header fields of one head
inline constexpr uint32_t scrape_hashes_max = 128;
static_assert(scrape_hashes_max * 72 < http_head_bytes_max, "so many fit into one request");
inline constexpr uint32_t http_connections_max = 20000;  // the tracker lowers it to the fd limit
// Requests that are not whole and answers that are not sent, of all clients of a server together.
inline constexpr uint64_t http_held_bytes_max = 64ULL * 1024 * 1024;
inline constexpr uint32_t http_listeners_max = 8;  // listening sockets of one server
inline constexpr uint32_t lookups_max = 8;         // names being resolved at once, in a process
inline constexpr uint32_t announce_reply_bytes_max = 1024 * 1024;
inline constexpr uint32_t peers_per_reply_default = 50;
inline constexpr uint32_t peers_per_reply_max = 200;
inline constexpr uint32_t trackers_max = 16;
inline constexpr uint32_t tracker_swarms_max = 4096;
inline constexpr uint32_t tracker_peers_max = 500'000;  // of all swarms together
// Peers that finished and are remembered, of all swarms together: any more are counted each time
// that they say so.
inline constexpr uint32_t tracker_completed_ids_max = 2 * tracker_peers_max;
inline constexpr uint32_t tracker_swarm_name_bytes_max = tag_bytes_max + 20;
inline constexpr uint32_t tracker_host_name_bytes_max = 64;
inline constexpr uint32_t tracker_racks_max = 16'384;       // named racks of one swarm
inline constexpr uint32_t tracker_rack_members_max = 4096;  // more count as without a rack
inline constexpr uint32_t rack_networks_max = 65'536;       // lines of a CIDR-to-rack table
inline constexpr uint64_t rack_file_bytes_max = 16 * 1024 * 1024;
// The graph of our own peers, as the tracker builds it by what it hands out. A peer is told of
// `to_dial` others, and others dial it, so that it has twice that on average; where no more than
// that are there, of all. Who announces less than `few` is told of more; it is not handed out any
// more when it is known to have `full`.
struct NeighbourCounts {
  uint32_t to_dial = 0;
  uint32_t few = 0;
  uint32_t full = 0;

  [[nodiscard]] constexpr uint32_t mean() const { return 2 * to_dial; }
};
inline constexpr NeighbourCounts neighbours{.to_dial = 16, .few = 24, .full = 46};
// Where there are few others, half as many do: what a host has is told to each of its neighbours.
// 48 hosts on a rack of namespaces: 2.2 times the floor with the numbers above, 1.65 with these,
// since 31,000 small packets a host became 16,000. Simulated, where packets cost nothing: 1.030 and
// 1.039; 100 hosts with 10 Gbit/s 1.064 and 1.076; 1,000 hosts and 256 MiB 1.16 and 1.70.
inline constexpr uint32_t small_fleet_others_max = 64;
inline constexpr NeighbourCounts neighbours_in_small_fleet{.to_dial = 8, .few = 12, .full = 22};
constexpr bool is_sound(const NeighbourCounts& counts) {
  return counts.to_dial < counts.few && counts.few < counts.mean() &&
         counts.mean() < counts.full;  // late joiners find room
}
static_assert(is_sound(neighbours) && is_sound(neighbours_in_small_fleet));
// In a rack: all mates of one of up to rack_mates_max + 1 hosts, and few from elsewhere.
inline constexpr uint32_t rack_mates_max = 40;
inline constexpr uint32_t rack_mates_to_dial = rack_mates_max / 2;  // of a larger one
inline constexpr uint32_t rack_mates_full = 52;                     // likewise
inline constexpr uint32_t remote_all_max = 8;
inline constexpr uint32_t remote_to_dial = 4;
inline constexpr uint32_t remote_full = 12;
static_assert(remote_all_max == 2 * remote_to_dial && remote_all_max < remote_full);
// A host that knows its rack dials all that it is told of: a mate it is not connected to does not
// hear what it fetches from outside.
inline constexpr uint32_t connections_to_dial_in_rack = rack_mates_max + remote_all_max;
static_assert(rack_mates_max < rack_mates_full);
static_assert(rack_mates_full + remote_full < connections_max);
inline constexpr uint32_t scrape_swarms_max = 1000;  // in one reply
static_assert(peers_per_reply_default <= peers_per_reply_max);
// Announces a second that the tracker aims at: intervals grow with the number of peers.
inline constexpr uint32_t announces_per_second_target = 1000;
inline constexpr Duration announce_interval_min = std::chrono::seconds(10);
inline constexpr Duration announce_interval_max = std::chrono::seconds(120);
// Our own peers that still fetch come this often in a small fleet, so that who watches a deploy
// sees fresh figures; the target above holds for them as well.
inline constexpr Duration progress_interval_min = std::chrono::seconds(2);
static_assert(progress_interval_min <= announce_interval_min);
// An announce may be this late: a connection that is lost is made anew within it.
inline constexpr Duration announce_late_min = std::chrono::seconds(5);
static_assert(announce_late_min < announce_interval_min);
// A peer of another kind may announce this seldom, whatever interval it was told (libtorrent: every
// 5 minutes at the soonest).
inline constexpr Duration foreign_peer_lifetime_min = std::chrono::minutes(15);
static_assert(foreign_peer_lifetime_min > 3 * announce_interval_max);
// A swarm without peers is remembered this long for its counters.
inline constexpr Duration empty_swarm_lifetime = std::chrono::hours(1);

}  // namespace murder::limits
