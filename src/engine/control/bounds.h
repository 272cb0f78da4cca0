// Bounds of the control plane: what one coordinator keeps, and what it lets others say.
#pragma once

#include <cstdint>

#include "engine/base/bounds.h"
#include "engine/base/instant.h"

namespace murder::limits {

inline constexpr uint32_t control_agents_max = 65'536;
inline constexpr uint32_t control_names_of_key_max = 16;  // hosts that speak with one key
inline constexpr uint32_t control_apps_max = 1024;
inline constexpr uint32_t control_releases_max = 1000;  // of one app; older ones are forgotten
inline constexpr uint32_t control_waves_max = 32;
inline constexpr uint32_t control_list_max = 32;  // groups, or apps, of one agent or rollout

inline constexpr uint32_t control_host_bytes_max = 253;  // a DNS name
inline constexpr uint32_t control_name_bytes_max = 64;   // of an app or a group
inline constexpr uint32_t control_who_bytes_max = 128;   // identities of operators and agents
inline constexpr uint32_t control_warnings_max = 8;      // of one agent of a deploy
inline constexpr uint32_t control_text_bytes_max = 240;  // why something failed, for people
inline constexpr uint32_t control_record_bytes_max = 64 * 1024;
// One message on an agent's link, without the four bytes of its length.
inline constexpr uint32_t control_agent_message_bytes_max = 64 * 1024;
inline constexpr uint32_t control_coordinator_message_bytes_max = 256 * 1024;
inline constexpr uint32_t control_key_bytes_max = 1024;  // a key or signature, as text
// A text with its signatures: an order, an outcome.
inline constexpr uint32_t control_signed_bytes_max = 24 * 1024;
// Releases of an app that one host has and reports.
inline constexpr uint32_t control_ready_max = 16;
// What is kept in memory of what all agents report. Beyond it only small reports are heard: of
// these there is room for all agents.
inline constexpr uint64_t control_reports_bytes_max = 64ULL * 1024 * 1024;
inline constexpr uint64_t control_small_report_bytes = 4096;
// Of an agent that is away.
inline constexpr uint64_t control_away_report_bytes_max = 2048;
// Agents that are looked at in each decision, whether they are away by now.
inline constexpr uint32_t control_away_looked_at = 256;
// What an agent keeps on its disk.
inline constexpr uint32_t control_kept_bytes_max = 512 * 1024;
// In the life of a state.
inline constexpr uint64_t control_records_max = uint64_t{1} << 62U;
inline constexpr uint64_t control_starts_max = uint64_t{1} << 31U;

// How often one host is told to activate in one rollout before it counts as failed for good.
inline constexpr uint32_t control_tells_max = 5;
// Releases that the rollouts before one have left on hosts, and that are kept for its way back.
inline constexpr uint32_t control_earlier_max = 4;
// The latest revoked releases of an app that agents are told about.
inline constexpr uint32_t control_revoked_told_max = 64;
inline constexpr int64_t control_wait_shown_s_max = 1'000'000'000;  // of a wait, to people
inline constexpr Duration control_duration_max = std::chrono::hours(24 * 30);

// An agent reports this often when nothing happens.
inline constexpr Duration control_heartbeat = std::chrono::seconds(30);
// An agent that was not heard of for so long is away, and one that has not heard of its coordinator
// for so long begins no activation. Three heartbeats: one that is lost makes nobody away.
inline constexpr Duration control_lease = 3 * control_heartbeat;
// An agent may change its groups, rack or apps this often: each change is a record.
inline constexpr Duration control_change_every = std::chrono::seconds(10);

}  // namespace murder::limits
