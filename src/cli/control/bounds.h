// Bounds of the operators' commands.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"

namespace murder::limits {

inline constexpr Duration coordinator_answer_wait = std::chrono::seconds(30);
// 65,536 agents with some apps each.
inline constexpr uint64_t coordinator_answer_bytes_max = 128ULL * 1024 * 1024;
inline constexpr uint32_t coordinator_error_bytes_max = 1000;
inline constexpr uint32_t operator_name_bytes_max = 72;  // a proof goes in front of it

// A command that follows a rollout ends when its coordinator is silent for this long.
inline constexpr Duration coordinator_silence_max = std::chrono::minutes(10);
inline constexpr Duration follow_answer_wait = std::chrono::seconds(5);
inline constexpr Duration rollout_look_every = std::chrono::milliseconds(500);
inline constexpr uint32_t unsettled_shown_max = 10;  // of a live view

// A publisher waits for so long without any progress of the coordinator's copy.
inline constexpr Duration copy_silence_max = std::chrono::minutes(2);
inline constexpr Duration publish_look_every = std::chrono::milliseconds(200);

inline constexpr uint32_t audit_page_records = 1000;
inline constexpr size_t audit_tags_max = 100'000;  // remembered at a time

// The other end of `murder agent --stdio`: for a connection, for an answer, and between two
// attempts.
inline constexpr int relay_connect_max_s = 10;
inline constexpr Duration relay_get_max = std::chrono::seconds(30);
inline constexpr Duration relay_retry = std::chrono::seconds(1);
// `murder relay --channels` runs beside a coordinator that is started again where it was killed.
inline constexpr Duration relay_first_max = std::chrono::seconds(40);

// Of a file of --save-orders: two orders of a command, with their signatures.
inline constexpr uint64_t saved_orders_bytes_max = 256 * 1024;

}  // namespace murder::limits
