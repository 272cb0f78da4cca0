#include "engine/swarm/lease_ledger.h"

#include <utility>

#include "engine/base/ensure.h"

namespace murder::swarm {

LeaseLedger::LeaseLedger(const BitSet& have)
    : entries_(have.size()), done_(have), free_count_(have.size() - have.count()) {}

bool LeaseLedger::lease(PieceIndex piece, ShardIndex shard, Instant now) {
  if (done_.test(piece.raw)) {
    return false;
  }
  Entry& entry = entries_[piece.raw];
  ENSURE(shard.raw < nobody);
  const auto asker = static_cast<uint16_t>(shard.raw);
  if (entry.holder == asker || entry.second_holder == asker) {
    return true;  // fetched again after it failed its hash
  }
  if (entry.holder == nobody) {
    ENSURE(free_count_ > 0);
    entry.holder = asker;
    entry.leased_at = now;
    --free_count_;
    return true;
  }
  const bool second = free_count_ == 0 && entry.second_holder == nobody &&
                      now - entry.leased_at > second_lease_after;
  if (second) {
    entry.second_holder = asker;
  }
  return second;
}

bool LeaseLedger::give_back(PieceIndex piece, ShardIndex shard) {
  Entry& entry = entries_[piece.raw];
  const auto giver = static_cast<uint16_t>(shard.raw);
  if (entry.second_holder == giver) {
    entry.second_holder = nobody;
    return false;
  }
  if (entry.holder != giver) {
    return false;
  }
  entry.holder = std::exchange(entry.second_holder, nobody);
  if (entry.holder != nobody || done_.test(piece.raw)) {
    return false;
  }
  ENSURE(free_count_ < entries_.size());
  ++free_count_;
  return true;
}

bool LeaseLedger::fulfil(PieceIndex piece) {
  if (!done_.set(piece.raw)) {
    return false;
  }
  if (entries_[piece.raw].holder == nobody) {
    ENSURE(free_count_ > 0);
    --free_count_;  // stored after its lease was given back
  }
  return true;
}

}  // namespace murder::swarm
