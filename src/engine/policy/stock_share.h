// How much of the uplink stock clients get beside our own peers.
//
// Our own peers all wait for the last of them, so while they are served, stock clients get a
// sixteenth of what they get, unless our own leave room for a while: they get from us about all
// that their links take, or use little of ours. Then stock clients get what they ask for. Pure;
// nothing allocates.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"

namespace murder::policy {

class StockShare {
 public:
  // When nothing went to one of our own peers for this long, no stock client is held back.
  static constexpr Duration quiet_after = std::chrono::milliseconds(500);

  // A block begins its way to one of our own peers.
  void on_own_block_started(Instant now);
  // It has left. True when a window ended: window_ended() is to be told what is known.
  [[nodiscard]] bool on_own_block_sent(uint32_t size_bytes, Instant now);
  // Bytes a second; 0: not known.
  struct Rates {
    double link = 0;   // what this host's link was seen to do
    double takes = 0;  // what the links of those that lack something do together
  };
  void window_ended(const Rates& rates, Instant now);

  // Whether a block may begin its way to a stock client that asked for it; then it does.
  [[nodiscard]] bool may_send(Instant now) const;
  void on_stock_block_started(uint32_t size_bytes);

 private:
  void begin_window(Instant now);

  Instant own_at_{};  // of the last block to one of our own peers
  int64_t credit_bytes_ = 0;
  bool has_room_ = false;
  Instant room_since_{};
  Instant window_began_{};
  uint64_t window_bytes_ = 0;  // that left for our own
  uint32_t window_blocks_ = 0;
};

}  // namespace murder::policy
