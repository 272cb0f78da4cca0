// Bounds of an agent's process.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/instant.h"

namespace murder::limits {

inline constexpr size_t agent_coordinators_max = 16;
inline constexpr uint64_t agent_torrent_bytes_max = 64ULL * 1024 * 1024;

// The link to a coordinator. Nothing at all is heard for this long: the connection is half open.
inline constexpr Duration agent_link_silence_max = std::chrono::seconds(75);
inline constexpr Duration agent_connect_time_max = std::chrono::seconds(10);
inline constexpr Duration agent_handshake_time_max = std::chrono::seconds(10);
// Waits between two attempts are drawn from zero to a bound that doubles up to the last of these.
// 15,000 agents that lost their coordinator come back within some seconds, and not all at once.
inline constexpr Duration agent_backoff_first = std::chrono::seconds(1);
inline constexpr Duration agent_backoff_max = std::chrono::seconds(10);
inline constexpr size_t agent_unsent_bytes_max = 1024 * 1024;
inline constexpr size_t agent_reply_bytes_max = 16 * 1024;  // head and text of a refusal

// Children: what is kept of their output, and how long they have after SIGTERM.
inline constexpr size_t agent_output_tail_bytes = 4096;
inline constexpr size_t agent_line_bytes_max = 64 * 1024;
inline constexpr Duration agent_kill_after = std::chrono::seconds(3);
inline constexpr Duration agent_command_time_max = std::chrono::minutes(5);
// After an activation older releases are removed this much later: the other hosts of its wave may
// still be at it, and whoever waits for its outcome does not wait for that.
inline constexpr Duration agent_tidy_after = std::chrono::seconds(5);

// Between two attempts to get a torrent, and to write what could not be written.
inline constexpr Duration agent_torrent_retry = std::chrono::seconds(2);
inline constexpr Duration agent_save_retry = std::chrono::seconds(5);
// A report is sent this often while something is being fetched.
inline constexpr Duration agent_progress_every = std::chrono::seconds(10);
// Health is checked this often until a release is healthy, then for a while, then with each
// heartbeat.
inline constexpr Duration agent_health_first = std::chrono::seconds(1);
inline constexpr Duration agent_health_fresh = std::chrono::seconds(5);
inline constexpr Duration agent_health_fresh_for = std::chrono::minutes(10);
// `agent --once` ends when no coordinator renewed its lease for this long.
inline constexpr Duration agent_once_lease = std::chrono::minutes(2);
inline constexpr uint32_t agent_once_heartbeats = 4;  // within a lease, at least
// `agent --once --background`: the first coordinator is heard by then.
inline constexpr Duration agent_once_connect_max = std::chrono::seconds(20);
// The deploy's lock on its host: it ends soon where no coordinator is heard any more.
inline constexpr Duration agent_lock_lease = std::chrono::seconds(60);
inline constexpr Duration agent_lock_renewed_every = std::chrono::seconds(20);
inline constexpr Duration agent_lock_silence_max = std::chrono::seconds(45);
// What runs when the deploy is over has this long to end: an activation with its hooks, and what
// was started and is told to end.
inline constexpr Duration agent_once_finish_max = std::chrono::seconds(30);
inline constexpr Duration agent_once_stop_max = std::chrono::seconds(20);
// How often a report is sent while something is being fetched.
inline constexpr Duration agent_once_progress_every = std::chrono::seconds(1);

// `agent --stdio`: what its host asks for at the same time by way of whoever started it, and how
// long an answer may take.
inline constexpr uint32_t agent_relayed_max = 64;
// For whoever passes frames on to open a link, and between two attempts.
inline constexpr Duration agent_relay_link_max = std::chrono::seconds(60);
inline constexpr Duration agent_relay_again_after = std::chrono::milliseconds(200);
inline constexpr Duration agent_relay_answer_max = std::chrono::seconds(60);

}  // namespace murder::limits
