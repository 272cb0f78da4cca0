// How a release is cut: pieces of equal size, the last one shorter.
#pragma once

#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/base/types.h"

namespace murder {

struct Geometry {
  uint64_t total_bytes = 0;
  uint32_t piece_bytes = 0;  // >= 1 when there is a piece

  [[nodiscard]] uint32_t piece_count() const {
    if (piece_bytes == 0) {
      return 0;
    }
    return static_cast<uint32_t>((total_bytes + piece_bytes - 1) / piece_bytes);
  }

  [[nodiscard]] uint64_t piece_offset(PieceIndex piece) const {
    return uint64_t{piece.raw} * piece_bytes;
  }

  // The size of this piece; only the last one may be shorter than piece_bytes.
  [[nodiscard]] uint32_t piece_size(PieceIndex piece) const {
    const uint64_t offset = piece_offset(piece);
    ENSURE(offset < total_bytes);
    const uint64_t left = total_bytes - offset;
    return left < piece_bytes ? static_cast<uint32_t>(left) : piece_bytes;
  }

  [[nodiscard]] bool contains(const BlockRange& block) const {
    if (block.size_bytes == 0 || block.piece.raw >= piece_count()) {
      return false;
    }
    const uint32_t size = piece_size(block.piece);
    return block.offset < size && block.size_bytes <= size - block.offset;
  }
};

}  // namespace murder
