// How a swarm is set up, and what it counts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/bounds.h"
#include "engine/base/endpoint.h"
#include "engine/base/geometry.h"
#include "engine/base/types.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/close_reason.h"

namespace murder::swarm {

// How our own peers share work: grants.h, or as with stock clients.
enum class SwarmPolicy : uint8_t { grant, classic };

struct SwarmConfig {
  InfoHash info_hash;
  PeerId peer_id;
  Geometry geometry;
  uint16_t listen_port = 0;
  uint32_t sessions_max = limits::connections_max;
  uint32_t sessions_to_dial = limits::connections_to_dial;
  uint32_t piece_buffers = 16;
  uint32_t block_bytes_max = limits::block_bytes_max;
  uint32_t served_max = 4;  // neighbours served at a time, each a whole piece
  // In a closed swarm a peer is let in by its proof, which its handshake follows: connections that
  // came and did not prove anything yet take an eighth of all places, and none of a member's.
  bool is_closed = false;
  bool leased = false;  // several shards: pieces are fetched under a lease
  // A piece is served once it is verified, from the memory that waits to be stored; else once it is
  // stored.
  bool serves_unstored = true;
  SwarmPolicy policy = SwarmPolicy::grant;
  std::string rack;  // this host's; empty: not known
};

struct SwarmStats {
  uint64_t downloaded_bytes = 0;  // payload that was asked for
  uint64_t uploaded_bytes = 0;
  uint64_t wasted_bytes = 0;  // payload that was not
  uint64_t failed_pieces = 0;
  std::optional<Endpoint> last_culprit;  // of them
  std::array<uint64_t, close_reason_count> closed{};
};

}  // namespace murder::swarm
