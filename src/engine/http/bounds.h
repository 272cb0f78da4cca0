// Bounds of one HTTP server or client.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"

namespace murder::limits {

inline constexpr uint32_t http_connections_max = 20000;  // the tracker lowers it to the fd limit
// Requests that are not whole and answers that are not sent, of all clients of a server together.
inline constexpr uint64_t http_held_bytes_max = 64ULL * 1024 * 1024;
// What a handshake under way counts for among them: OpenSSL's memory of it.
inline constexpr uint64_t http_handshake_held_bytes = 16 * 1024;
// A connection that has been at one request or answer for this long gives way when all are taken.
inline constexpr Duration http_evict_busy_after = std::chrono::milliseconds(150);
inline constexpr uint32_t http_listeners_max = 8;  // listening sockets of one server
inline constexpr uint32_t lookups_max = 8;         // names being resolved at once, in a process

}  // namespace murder::limits
