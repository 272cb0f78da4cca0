#include "engine/node/piece_storage.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"

namespace murder::node {

PieceStorage::PieceStorage(io::Reactor& reactor, Store& store, swarm::Swarm& swarm,
                           PieceMemory memory, HomePort home)
    : reactor_(reactor),
      store_(store),
      swarm_(swarm),
      memory_(std::move(memory)),
      home_(home),
      writes_(swarm.active().buffer_count()) {
  for (std::unique_ptr<StoreTransfer>& write : writes_) {
    write = std::make_unique<StoreTransfer>(reactor, store, callback<&PieceStorage::written>(this));
  }
}

void PieceStorage::store(BufferIndex buffer, PieceIndex piece) {
  ENSURE(swarm_.active().at(buffer).state == swarm::ActivePiece::State::storing);
  memory_.verified(buffer, piece);
  waiting_.push_back(buffer);
}

bool PieceStorage::start_writes() {
  if (waiting_.empty()) {
    return false;
  }
  std::vector<BufferIndex> buffers;
  std::swap(buffers, waiting_);
  for (const BufferIndex buffer : buffers) {
    const swarm::ActivePiece& active = swarm_.active().at(buffer);
    ENSURE(writing_count_ < writes_.size());
    ++writing_count_;
    writes_[buffer.raw]->write(store_.metainfo().geometry.piece_offset(active.piece),
                               {memory_.at(buffer, 0), active.size_bytes});
  }
  buffers.clear();
  if (waiting_.empty()) {
    std::swap(buffers, waiting_);  // keeps the memory
  }
  return true;
}

void PieceStorage::written(StoreTransfer& transfer, int error_number) {
  const auto found = std::find_if(writes_.begin(), writes_.end(),
                                  [&](const auto& entry) { return entry.get() == &transfer; });
  ENSURE(found != writes_.end() && writing_count_ > 0);
  const BufferIndex buffer{static_cast<uint32_t>(found - writes_.begin())};
  --writing_count_;
  if (error_number != 0) {
    home_.post(to_home::WriteFailed{error_number});
    return;  // the node stops
  }
  if (!leave_place(buffer)) {
    held_.push_back(buffer);
  }
}

bool PieceStorage::leave_place(BufferIndex buffer) {
  ENSURE(swarm_.active().at(buffer).state == swarm::ActivePiece::State::storing);
  if (!memory_.stored(buffer)) {
    return false;
  }
  swarm_.piece_stored(buffer, reactor_.now());
  return true;
}

bool PieceStorage::release_pinned_places() {
  return std::erase_if(held_, [&](BufferIndex buffer) { return leave_place(buffer); }) > 0;
}

bool PieceStorage::is_on_disk(PieceIndex piece) const {
  return swarm_.stored().test(piece.raw) ||
         std::any_of(held_.begin(), held_.end(),
                     [&](BufferIndex buffer) { return swarm_.active().at(buffer).piece == piece; });
}

}  // namespace murder::node
