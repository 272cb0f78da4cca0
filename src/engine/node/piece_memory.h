// The memory of a shard's piece buffers, and of pieces that were stored lately: they are served
// from there while nobody needs the place.
//
// There are more places than buffers. A piece can be sent from its buffer's place from when it is
// verified. A buffer whose piece is stored leaves its place to the piece and takes the place of the
// piece that was stored longest ago and is not being sent. Lives on the shard's thread; allocates
// when made only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/geometry.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/io/aligned_arena.h"

namespace murder::node {

class PieceMemory {
 public:
  struct Size {
    uint32_t buffer_count = 0;
    uint32_t place_count = 0;  // at least buffer_count
  };
  // How many of each fit into `memory_bytes` when that many pieces are missing: none for none.
  [[nodiscard]] static Size size_for(const Geometry& geometry, uint32_t missing_count,
                                     uint64_t memory_bytes);

  [[nodiscard]] static Result<PieceMemory> create(const Geometry& geometry, const Size& size);

  [[nodiscard]] uint8_t* at(BufferIndex buffer, uint32_t offset) {
    return place(place_of_[buffer.raw]) + offset;
  }

  // The buffer's piece can be sent from where it is, and from nowhere else until it is stored.
  void verified(BufferIndex buffer, PieceIndex piece);
  // The buffer's verified piece is on disk. The buffer gets another place, if one is free. False:
  // none is, and its own is being sent; to be called again after an unpin().
  [[nodiscard]] bool stored(BufferIndex buffer);
  // The place of a piece that can be served from memory.
  [[nodiscard]] std::optional<uint32_t> find(PieceIndex piece) const;
  // The same of a piece that is verified and not stored.
  [[nodiscard]] std::optional<uint32_t> find_unstored(PieceIndex piece) const;
  [[nodiscard]] uint8_t* place(uint32_t index) { return memory_ + uint64_t{index} * stride_bytes_; }
  // While pinned, what is in a place stays there.
  void pin(uint32_t index) {
    ENSURE(places_[index].piece != no_piece);
    ++places_[index].pins;
  }
  void unpin(uint32_t index);

 private:
  static constexpr uint32_t no_piece = UINT32_MAX;
  struct Place {
    uint32_t piece = no_piece;
    uint32_t pins = 0;
  };

  PieceMemory(std::unique_ptr<io::AlignedArena> arena, const Size& size, uint32_t stride_bytes);

  std::unique_ptr<io::AlignedArena> arena_;
  uint8_t* memory_;
  uint32_t stride_bytes_;
  std::vector<uint32_t> place_of_;  // by buffer
  std::vector<Place> places_;
  std::vector<uint32_t> spare_;  // places without a buffer, stored longest ago first
};

}  // namespace murder::node
