// The way of a verified piece from its buffer to the disk, and of the buffer to the next piece.
//
// store() -> written at the end of the turn -> stored, which the swarm hears; in between `held`,
// when the buffer's place and all others are being sent from. Until it is stored, a piece is served
// from its buffer. Lives on the shard's thread; one write for each buffer at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/io/reactor.h"
#include "engine/node/messages.h"
#include "engine/node/piece_memory.h"
#include "engine/node/store.h"
#include "engine/node/store_transfer.h"
#include "engine/swarm/swarm.h"

namespace murder::node {

class PieceStorage {
 public:
  // All of them outlive the storage; a write that fails is told to the home thread.
  PieceStorage(io::Reactor& reactor, Store& store, swarm::Swarm& swarm, PieceMemory memory,
               HomePort home);
  PieceStorage(const PieceStorage&) = delete;
  PieceStorage& operator=(const PieceStorage&) = delete;

  [[nodiscard]] PieceMemory& memory() { return memory_; }

  // The buffer's piece is verified: it can be sent, and is written at the end of the turn.
  void store(BufferIndex buffer, PieceIndex piece);
  // Each does what waits, and is false when nothing did.
  bool start_writes();
  bool release_pinned_places();

  // Whether the piece can be read from the store, wherever else it lies.
  [[nodiscard]] bool is_on_disk(PieceIndex piece) const;
  [[nodiscard]] uint32_t writing_count() const { return writing_count_; }
  // Nothing waits to be written or is being written.
  [[nodiscard]] bool is_idle() const { return waiting_.empty() && writing_count_ == 0; }
  // Pieces wait until a place is not sent from any more.
  [[nodiscard]] bool is_short() const { return !held_.empty(); }

 private:
  void written(StoreTransfer& transfer, int error_number);
  [[nodiscard]] bool leave_place(BufferIndex buffer);

  io::Reactor& reactor_;
  Store& store_;
  swarm::Swarm& swarm_;
  PieceMemory memory_;
  HomePort home_;
  std::vector<std::unique_ptr<StoreTransfer>> writes_;  // by buffer
  std::vector<BufferIndex> waiting_;
  std::vector<BufferIndex> held_;  // stored, in places that are being sent
  uint32_t writing_count_ = 0;
};

}  // namespace murder::node
