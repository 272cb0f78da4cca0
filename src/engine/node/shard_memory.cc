// What links and pieces share of a shard's memory: chunks to send from, places of stored pieces.
// And what the links that are gone had.
#include <malloc.h>

#include <algorithm>

#include "engine/node/shard.h"

namespace murder::node {
namespace {

// Fewer connections leave little behind. A look at the whole heap takes about a millisecond.
constexpr uint32_t closed_worth_trimming = 16;
constexpr Duration trim_interval = std::chrono::seconds(2);

}  // namespace

uint32_t Shard::take_chunk(PeerLink& link) {
  const uint32_t index = chunks_.take();
  if (index == UINT32_MAX) {
    enlist(chunk_list_, link, listed_chunk);
  }
  return index;
}

void Shard::give_chunk_back(uint32_t index) {
  chunks_.give_back(index);
  for (PeerLink* waiting : chunk_list_) {
    waiting->listed &= ~uint32_t{listed_chunk};
    wants_flush(*waiting);
  }
  chunk_list_.clear();
}

// Chunks that others wait for, and places that stored pieces cannot leave.
void Shard::take_memory_back(Instant now) {
  if (chunk_list_.empty() && held_list_.empty()) {
    return;
  }
  for (const std::unique_ptr<PeerLink>& link : links_) {
    if (link != nullptr) {
      link->yield_memory(now);
    }
  }
}

// What connections held was freed in small parts, which the C library keeps.
void Shard::trim_heap(Instant now) {
  if (closed_since_trim_ >= closed_worth_trimming && now - trimmed_at_ >= trim_interval) {
    closed_since_trim_ = 0;
    trimmed_at_ = now;
    malloc_trim(0);
  }
}

bool Shard::is_on_disk(PieceIndex piece) const {
  return swarm_.stored().test(piece.raw) ||
         std::any_of(held_list_.begin(), held_list_.end(),
                     [&](BufferIndex buffer) { return swarm_.active().at(buffer).piece == piece; });
}

void Shard::leave_place(BufferIndex buffer) {
  if (pieces_->stored(buffer)) {
    swarm_.piece_stored(buffer, reactor_.now());
  } else {
    held_list_.push_back(buffer);
  }
}

// Those whose place, and all others too, were being sent when they were stored.
bool Shard::leave_held_places() {
  if (held_list_.empty()) {
    return false;
  }
  return std::erase_if(held_list_, [&](BufferIndex buffer) {
           const bool left = pieces_->stored(buffer);
           if (left) {
             swarm_.piece_stored(buffer, reactor_.now());
           }
           return left;
         }) > 0;
}

}  // namespace murder::node
