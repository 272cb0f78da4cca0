// Blocks of one piece that lie side by side and are sent together.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/types.h"
#include "engine/codec/peer_wire.h"

namespace murder::node {

struct SendBatch {
  static constexpr uint32_t block_count_max = 32;
  // idle -> reading (chunk only) -> ready -> sending -> idle
  enum class State : uint8_t { idle, reading, ready, sending };
  enum class Source : uint8_t {
    chunk,  // read into a chunk of the shard
    hot,    // a place of PieceMemory, pinned
    file,   // from the page cache; the file is acquired from the store
  };

  // Of a batch that is ready: what it was read into, or lay in, may have been needed elsewhere.
  [[nodiscard]] bool has_memory() const {
    return source == Source::file || chunk != UINT32_MAX || hot_place != UINT32_MAX;
  }

  // Of its shard's memory, or of the store.
  [[nodiscard]] bool holds_anything() const {
    return chunk != UINT32_MAX || hot_place != UINT32_MAX || file_index != UINT32_MAX;
  }

  State state = State::idle;
  Source source = Source::chunk;
  uint32_t chunk = UINT32_MAX;
  uint32_t hot_place = UINT32_MAX;
  uint32_t file_index = UINT32_MAX;
  int file_fd = -1;
  uint64_t file_offset = 0;          // of the first block
  const uint8_t* payload = nullptr;  // chunk and hot
  uint32_t block_count = 0;
  uint32_t payload_bytes = 0;
  std::array<BlockRange, block_count_max> blocks{};
  std::array<std::array<uint8_t, codec::piece_head_bytes>, block_count_max> heads{};
};

}  // namespace murder::node
