// Bounds of the tracker, with the relations between them.
#pragma once

#include <chrono>
#include <cstdint>

#include "engine/base/bounds.h"
#include "engine/base/instant.h"

namespace murder::limits {

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
inline constexpr uint32_t scrape_swarms_max = 1000;  // in one reply
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

// --- Room for honest hosts -----------------------------------------------------------------------

// Records of one source that are handed out before they are proven; further ones come last.
inline constexpr uint32_t usual_records_per_source = 32;
// Records with an address that the announce did not come from, and that nobody has answered at.
inline constexpr uint32_t hidden_records_max = 16'384;
inline constexpr uint32_t hidden_records_per_source = hidden_records_max / 4;
inline constexpr Duration hidden_lifetime_max = std::chrono::minutes(1);
// Connections back to peers.
inline constexpr uint32_t proofs_at_once_max = 64;
inline constexpr uint32_t proofs_at_once_per_source = proofs_at_once_max / 2;
inline constexpr uint32_t proofs_waiting_max = 4096;
inline constexpr uint32_t proofs_per_source_max = 256;
static_assert(proofs_waiting_max >= 16 * proofs_per_source_max);
inline constexpr Duration proof_timeout = std::chrono::seconds(1);
// A full tracker takes the record, or the release, of the source with the most among this many
// drawn at random.
inline constexpr uint32_t eviction_draws = 64;
// Releases that one source may have begun when others want room.
inline constexpr uint32_t swarms_per_source_when_full = 64;
// Announces of one peer that come sooner than this count as one.
inline constexpr Duration announce_soonest = std::chrono::seconds(1);
static_assert(announce_soonest < progress_interval_min);

// --- Keys of deploys -----------------------------------------------------------------------------

inline constexpr size_t deploy_keys_max = 64;  // at a time
inline constexpr size_t deploy_key_users_max = 16;
inline constexpr size_t deploy_key_releases_max = 16;
// One that nobody used for so long goes when there is no room for another.
inline constexpr Duration deploy_key_kept = std::chrono::minutes(10);
// A release that members of a closed fleet announce is not taken by a deploy's key for so long.
inline constexpr Duration member_release_kept = 3 * announce_interval_max;

// --- Pages and their viewers --------------------------------------------------------------------

// A page is this old at most, and made no more often when it is asked for often.
inline constexpr Duration page_kept_for = std::chrono::seconds(1);
inline constexpr uint32_t fresh_pages_burst = 8;
inline constexpr uint32_t metrics_releases_max = 50;  // that /metrics tells of one by one
inline constexpr uint32_t pages_kept_max = 64;        // of different kinds and releases
// What all viewers together are sent: some 1 % of what a core can send.
inline constexpr uint64_t viewer_bytes_per_second = 8 * 1024 * 1024;
inline constexpr uint64_t viewer_page_bytes_min = 64 * 1024;  // what a small page counts as
inline constexpr Duration viewer_burst = std::chrono::milliseconds(500);
inline constexpr Duration viewer_wait_max = std::chrono::seconds(2);
inline constexpr uint32_t lost_peers_max = 64;  // that are remembered of one swarm
// Events for the log of who runs the tracker: of one second, beyond which they are only counted.
inline constexpr uint32_t tracker_events_max = 256;
inline constexpr Duration refused_event_pause = std::chrono::minutes(1);
inline constexpr Duration pace_window = std::chrono::seconds(10);

}  // namespace murder::limits
