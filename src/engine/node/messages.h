// What shards and the home thread tell each other when a release is spread over several shards. One
// message per piece crosses cores, none per block.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

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
  // Links whose records the kernel opens and seals, all that there were.
  uint64_t kernel_tls_receivers = 0;
  uint64_t kernel_tls_senders = 0;

  IoCounters& operator+=(const IoCounters& other);
};

struct ShardStats {
  uint64_t downloaded_bytes = 0;
  uint64_t uploaded_bytes = 0;
  uint64_t wasted_bytes = 0;
  uint64_t failed_pieces = 0;
  std::optional<Endpoint> last_culprit;  // who sent one of them
  uint64_t unproven_count = 0;           // connections that ended without the fleet key
  uint64_t transport_differs_count = 0;  // with members that speak another transport
  uint32_t session_count = 0;
  uint32_t open_count = 0;
  uint32_t neighbour_count = 0;  // of them, that something was exchanged with, and young ones
  IoCounters io;

  ShardStats& operator+=(const ShardStats& other);
};

namespace to_home {

struct LeaseRequest {
  PieceIndex piece;
};
struct LeaseReturn {
  PieceIndex piece;
};
struct LeaseFulfilled {
  PieceIndex piece;
};
struct Completed {};
// Nothing of the shard is in flight any more: its last message.
struct Stopped {};
struct WriteFailed {
  int error_number = 0;
};
struct ReadFailed {
  int error_number = 0;
};

}  // namespace to_home

namespace from_home {

struct LeaseAnswer {
  PieceIndex piece;
  bool is_granted = false;
};
// Somebody gave the lease back.
struct LeaseFreed {
  PieceIndex piece;
};
struct StoredElsewhere {
  PieceIndex piece;
};
struct Candidate {
  Endpoint endpoint;
};
struct RackTold {
  std::string_view rack;  // the home thread's, which does not change any more
};
struct Stop {};

}  // namespace from_home

using ToHome =
    std::variant<ShardStats, to_home::LeaseRequest, to_home::LeaseReturn, to_home::LeaseFulfilled,
                 to_home::Completed, to_home::Stopped, to_home::WriteFailed, to_home::ReadFailed>;

using FromHome =
    std::variant<from_home::LeaseAnswer, from_home::LeaseFreed, from_home::StoredElsewhere,
                 from_home::Candidate, from_home::RackTold, from_home::Stop>;

// A message to the home thread, with its sender.
struct ShardReport {
  ShardIndex shard;
  ToHome message;
};

// Where a shard puts what it has to tell the home thread. Must not call back into the shard.
class ShardOutbox {
 public:
  virtual void post(const ShardReport& report) = 0;

 protected:
  ~ShardOutbox() = default;
};

// The way to the home thread for the parts of one shard.
struct HomePort {
  ShardOutbox& outbox;
  ShardIndex shard;

  void post(const ToHome& message) const { outbox.post({shard, message}); }
};

}  // namespace murder::node
