// What the links of a shard share of its memory: chunks to read into and send from, room to copy a
// receive out, and room for bytes that nobody reads.
//
// Lives on the shard's thread; all of it is taken when it is made. A link that finds no chunk free
// is flushed again when there is one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/aligned_arena.h"

namespace murder::node {

class LinkWork;
class PeerLink;

class LinkMemory {
 public:
  static constexpr uint32_t chunk_bytes = 512 * 1024;
  static constexpr uint32_t chunk_count = 12;
  static constexpr uint64_t scratch_bytes = 2 * 1024 * 1024;  // the largest recv that is armed
  static constexpr uint64_t waste_bytes = 256 * 1024;
  static constexpr uint64_t all_bytes =
      uint64_t{chunk_bytes} * chunk_count + scratch_bytes + waste_bytes;

  struct Arenas {
    std::unique_ptr<io::AlignedArena> chunks;
    std::unique_ptr<io::AlignedArena> scratch;
    std::unique_ptr<io::AlignedArena> waste;

    [[nodiscard]] static Result<Arenas> create();
  };

  LinkMemory(Arenas arenas, LinkWork& work);

  // UINT32_MAX: none is free; the link is flushed again when one is.
  [[nodiscard]] uint32_t take_chunk(PeerLink& link);
  [[nodiscard]] std::span<uint8_t> chunk(uint32_t index) { return chunks_.chunk(index); }
  void release_chunk(uint32_t index);
  // Links wait for a chunk.
  [[nodiscard]] bool is_short() const { return !waiting_.empty(); }

  [[nodiscard]] std::span<uint8_t> scratch() { return arenas_.scratch->bytes(); }
  [[nodiscard]] std::span<uint8_t> waste() { return arenas_.waste->bytes(); }

 private:
  Arenas arenas_;
  LinkWork& work_;
  io::ChunkPool chunks_;
  std::vector<PeerLink*> waiting_;
};

}  // namespace murder::node
