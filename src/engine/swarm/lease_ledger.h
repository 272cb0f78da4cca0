// Which shard fetches which piece when one release is spread over several shards. The home shard
// owns the ledger; the shards ask with one message per piece and are told with one.
//
// A piece is in exactly one state: free -> leased (to one shard; to a second near the end, when
// nothing is free and the first takes long) -> done. A lease that is returned makes the piece free
// again.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/instant.h"
#include "engine/base/types.h"

namespace murder::swarm {

class LeaseLedger {
 public:
  explicit LeaseLedger(const BitSet& have);

  // True: the shard may fetch the piece. False: it is done or another shard fetches it.
  [[nodiscard]] bool lease(PieceIndex piece, ShardIndex shard, Instant now);
  // True when the piece is free now and the other shards should hear of it.
  [[nodiscard]] bool give_back(PieceIndex piece, ShardIndex shard);
  // True the first time: the other shards should hear that it is stored.
  [[nodiscard]] bool fulfil(PieceIndex piece);

  [[nodiscard]] const BitSet& done() const { return done_; }
  [[nodiscard]] bool complete() const { return done_.all(); }

 private:
  static constexpr uint16_t nobody = UINT16_MAX;
  // A second lease is given when the first is this old and no piece is free.
  static constexpr Duration second_lease_after = std::chrono::milliseconds(500);

  struct Entry {
    uint16_t holder = nobody;
    uint16_t second_holder = nobody;
    Instant leased_at{};
  };

  std::vector<Entry> entries_;
  BitSet done_;
  uint32_t free_count_;
};

}  // namespace murder::swarm
