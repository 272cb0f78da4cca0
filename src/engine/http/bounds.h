// Bounds of one HTTP server or client.
#pragma once

#include <cstdint>

namespace murder::limits {

inline constexpr uint32_t http_connections_max = 20000;  // the tracker lowers it to the fd limit
// Requests that are not whole and answers that are not sent, of all clients of a server together.
inline constexpr uint64_t http_held_bytes_max = 64ULL * 1024 * 1024;
inline constexpr uint32_t http_listeners_max = 8;  // listening sockets of one server
inline constexpr uint32_t lookups_max = 8;         // names being resolved at once, in a process

}  // namespace murder::limits
