// Bounds of the coordinator's process: what agents and operators may take of it.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"
#include "engine/control/bounds.h"

namespace murder::limits {

// --- Agents' links -------------------------------------------------------------------------------

// Connections that are kept for announces and operators when agents take all they may.
inline constexpr uint32_t coordinator_places_kept = 2048;
// A new connection has said who it is by then.
inline constexpr Duration agent_hello_timeout = std::chrono::seconds(10);
// By then its first report was heard, unless that waits for the coordinator.
inline constexpr Duration agent_report_timeout = std::chrono::seconds(15);
// Links that are closing, for whose places others are let in already.
inline constexpr uint32_t agent_links_closing_max = 256;
// When all places are taken, a link that has shown nothing by then makes room for any other, and
// at once for one of an address that has fewer.
inline constexpr Duration agent_evict_after = std::chrono::seconds(5);
// A message that has begun is whole by then, and one that is sent is taken by then.
inline constexpr Duration agent_message_timeout = std::chrono::seconds(10);
// An agent that was not heard for so long has lost its connection.
inline constexpr Duration agent_silence_max = 2 * control_lease;
// Heartbeats are gathered for some time before they are heard, in line with the number of agents:
// some 25 of 15,000. For less than the least it is not worth while; after a report that says
// something new, others are likely, and none waits.
inline constexpr Duration agent_gather_each = std::chrono::microseconds(4);
inline constexpr Duration agent_gather_min = std::chrono::milliseconds(1);
inline constexpr Duration agent_gather_max = std::chrono::milliseconds(50);
inline constexpr Duration agents_lively_for = std::chrono::seconds(2);
// Messages of one agent in a second; further ones wait for the next.
inline constexpr uint32_t agent_messages_per_second = 16;
// What all links together hold of messages that are not whole, and of those that are not sent.
inline constexpr uint64_t agent_held_bytes_max = 128ULL * 1024 * 1024;

// --- The turns -----------------------------------------------------------------------------------

// What one turn of the reactor does at most, so that announces do not wait for it.
inline constexpr Duration hearing_time_max = std::chrono::milliseconds(2);
inline constexpr uint32_t told_per_turn = 256;
// Deciding takes a hundredth of the thread's time while only reports come: in a large fleet it is
// done less often.
inline constexpr uint32_t decide_pause_factor = 100;
inline constexpr Duration decide_pause_max = std::chrono::milliseconds(500);
inline constexpr Duration decide_every = std::chrono::seconds(1);  // for what time alone brings
// A store that failed is asked again after this long, and then ever more seldom.
inline constexpr Duration store_retry_first = std::chrono::milliseconds(500);
inline constexpr Duration store_retry_max = std::chrono::seconds(2);
// At the end, for what is being written.
inline constexpr Duration last_write_max = std::chrono::seconds(5);
inline constexpr Duration lead_renewed_every = std::chrono::seconds(1);
// So many records at once take memory that is given back to the kernel this much later.
inline constexpr size_t store_records_large = 1024;
inline constexpr Duration store_trim_after = std::chrono::seconds(2);

// --- Operators -----------------------------------------------------------------------------------

inline constexpr uint32_t operator_requests_max = 256;  // that wait at the same time
inline constexpr uint32_t operator_orders_kept = 64;    // of these places, for orders alone
inline constexpr uint32_t reads_of_address_max = 32;    // that wait, of one address
inline constexpr uint32_t torrent_requests_max = 64;    // reads of the store, likewise
inline constexpr Duration operator_wait_max = std::chrono::seconds(20);
static_assert(operator_requests_max > torrent_requests_max + operator_orders_kept);
inline constexpr uint32_t order_tokens_max = 65'536;  // that are remembered, ten minutes each
inline constexpr uint64_t published_torrent_bytes_max = 16ULL * 1024 * 1024;
inline constexpr uint64_t torrents_cached_bytes_max = 64ULL * 1024 * 1024;
static_assert(torrents_cached_bytes_max >= 2 * published_torrent_bytes_max);
inline constexpr uint32_t sizes_known_max = 65'536;  // of releases
inline constexpr uint32_t audit_readers_max = 32;
inline constexpr uint32_t audit_readers_of_address_max = 8;
inline constexpr uint32_t audit_lines_max = 1000;       // of one answer
inline constexpr uint64_t audit_scanned_max = 200'000;  // lines that are read for a history
inline constexpr uint32_t history_max = 100;
inline constexpr uint32_t unsettled_listed_max = 100;

inline constexpr uint32_t metrics_apps_max = 50;  // that are named

// --- The coordinator of a deploy -----------------------------------------------------------------

inline constexpr Duration deploy_lease_checked_every = std::chrono::milliseconds(250);
// Agents that were told that their deploy is over have left by then.
inline constexpr Duration deploy_ending_max = std::chrono::seconds(5);

// --- The coordinator's own copies of releases ----------------------------------------------------

inline constexpr uint32_t copies_max = 8;            // processes, and directories
inline constexpr uint32_t copies_asked_for_max = 2;  // again, by who published the same
static_assert(copies_asked_for_max < copies_max);
inline constexpr Duration copy_look_every = std::chrono::seconds(1);
inline constexpr size_t copy_arguments_bytes_max = 16 * 1024;
inline constexpr Duration copy_start_max = std::chrono::seconds(60);
inline constexpr Duration copy_retry_first = std::chrono::seconds(1);
inline constexpr Duration copy_retry_max = std::chrono::minutes(1);
inline constexpr Duration copies_checked_every = std::chrono::seconds(5);

}  // namespace murder::limits
