// How an HTTP server is set up, and what it counts.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"
#include "engine/http/bounds.h"

namespace murder::http {

struct ServerOptions {
  uint32_t connections_max = 1024;  // two operations of the reactor each
  uint32_t body_bytes_max = 64 * 1024;
  uint64_t held_bytes_max = limits::http_held_bytes_max;
  Duration idle_timeout = std::chrono::seconds(60);
  Duration request_timeout = std::chrono::seconds(10);  // from its first byte to its last
  Duration send_timeout = std::chrono::seconds(10);     // a client that does not read is dropped
  Duration answer_timeout = std::chrono::seconds(60);   // of an answer that comes later
  uint16_t buffer_group = 0;                            // unique among the servers of one reactor
};

struct ServerCounters {
  uint64_t connections = 0;  // accepted since the start
  uint64_t requests = 0;     // answered, well-formed or not
  uint64_t bad_requests = 0;
  uint64_t timeouts = 0;
  uint64_t evictions = 0;  // connections closed to make room
  uint64_t crowded = 0;    // connections closed, and requests refused, since too much was held
  uint64_t accept_failures = 0;
};

}  // namespace murder::http
