// What shards and the home thread tell each other when a release is spread over several shards. One
// message per piece crosses cores, none per block.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/endpoint.h"
#include "engine/base/types.h"

namespace murder::node {

// What the data plane of a shard did, for benches and for those who wonder.
struct IoCounters {
  uint64_t ring_submissions = 0;  // operations given to the ring
  uint64_t ring_enters = 0;       // system calls of the ring
  uint64_t direct_calls = 0;      // system calls past the ring, one or two a block sent by splice
  uint64_t received_blocks = 0;
  uint64_t sent_blocks = 0;
  uint64_t sent_memory_bytes = 0;  // from pieces that were still in memory
  uint64_t sent_splice_bytes = 0;  // from the page cache to the socket
  uint64_t sent_read_bytes = 0;    // read into memory first

  IoCounters& operator+=(const IoCounters& other);
};

struct ShardStats {
  uint64_t downloaded_bytes = 0;
  uint64_t uploaded_bytes = 0;
  uint64_t wasted_bytes = 0;
  uint64_t failed_pieces = 0;
  std::optional<Endpoint> last_culprit;  // who sent one of them
  uint32_t session_count = 0;
  uint32_t open_count = 0;
  uint32_t neighbour_count = 0;  // of them, that something was exchanged with, and young ones
  IoCounters io;

  ShardStats& operator+=(const ShardStats& other);
};

struct ShardMessage {
  enum class Kind : uint8_t {
    // shard -> home
    lease_request,    // piece
    lease_return,     // piece
    lease_fulfilled,  // piece
    stats,            // stats
    completed,
    stopped,
    write_failed,  // error_number
    read_failed,   // error_number
    // home -> shard
    lease_granted,     // piece
    lease_denied,      // piece
    lease_freed,       // piece
    stored_elsewhere,  // piece
    candidate,         // endpoint
    rack_told,         // rack
    stop,
  };

  Kind kind = Kind::stats;
  ShardIndex shard;
  PieceIndex piece;
  int error_number = 0;
  Endpoint endpoint;
  std::string_view rack;  // the home thread's, which does not change any more
  ShardStats stats;
};

// Where a shard puts what it has to tell the home thread. Must not call back into the shard.
class ShardOutbox {
 public:
  virtual void post(const ShardMessage& message) = 0;

 protected:
  ~ShardOutbox() = default;
};

}  // namespace murder::node
