// Bounds of what runs a release on a host: what a service tells its manager and the journal.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/instant.h"

namespace murder::limits {

// Of one notification or journal entry; what is longer is cut. Below what a datagram of a unix
// socket may have by default (net.core.wmem_default, 212,992 bytes).
inline constexpr size_t notification_bytes_max = 4096;
inline constexpr size_t journal_field_bytes_max = 2048;
inline constexpr size_t journal_entry_bytes_max = 16 * 1024;
// How often the state is sent, and what could not be sent is tried again.
inline constexpr Duration service_status_interval = std::chrono::seconds(2);
// A thread that gives no sign of life for less than this is never taken for hung.
inline constexpr Duration service_silence_allowed_min = std::chrono::seconds(5);
// Of `murder status`. Each is asked in turn, and has three seconds to answer.
inline constexpr size_t services_listed_max = 1000;
inline constexpr size_t agent_places_listed_max = 1000;

}  // namespace murder::limits
