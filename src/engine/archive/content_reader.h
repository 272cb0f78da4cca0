// The content of a torrent on disk: one file, or several that pieces span. Reads several pieces
// side by side and hashes them in lanes.
//
// For one thread: it keeps some files open, and its buffers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/archive/cold_file.h"
#include "engine/archive/lane_buffers.h"
#include "engine/archive/observer.h"
#include "engine/base/geometry.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/hash/sha1.h"

namespace murder::archive {

// A part of the content that lies in one file, or (path empty) is zeros that lie nowhere.
struct ContentPart {
  std::string path;
  uint64_t offset = 0;  // in the content
  uint64_t size_bytes = 0;
};

struct ContentReaderOptions {
  // What is read is to be in the page cache afterwards. Without it, what is not there already is
  // read past it (O_DIRECT) where the file system can.
  bool through_cache = false;
  size_t memory_bytes = 0;  // for buffers, about
};

class ContentReader {
 public:
  // The parts follow one another and cover geometry.total_bytes; they outlive the reader.
  ContentReader(std::span<const ContentPart> parts, const Geometry& geometry,
                const ContentReaderOptions& options);

  // How many pieces at once gain something.
  [[nodiscard]] uint32_t batch_max() const { return buffers_.lane_count(); }

  // The digests of the pieces from `first` on, at most batch_max(); nullopt where a file of a piece
  // is not there, or too short. What lies wholly in a hole is not read: it is as many zeros. A set
  // flag ends it early, with nullopt.
  [[nodiscard]] Status hash_pieces(PieceIndex first,
                                   std::span<std::optional<Sha1Digest>> ret_digests,
                                   const CancelFlag& stop);

 private:
  static constexpr size_t open_files_max = 4;

  struct OpenFile {
    std::optional<size_t> part_index;  // whose file this is, also when it was not there
    ColdFile file;
    uint64_t size_bytes = 0;
  };
  // A piece on its way through a lane.
  struct Lane {
    PieceIndex piece;
    std::optional<Sha1Digest>* ret_digest = nullptr;
    bool is_there = true;
    bool is_cold = false;
  };

  [[nodiscard]] Status hash_lanes(std::span<Lane> lanes, uint32_t size_bytes,
                                  const CancelFlag& stop);
  // Whether the piece is one hole, and, if not, whether to read it past the page cache.
  [[nodiscard]] Result<bool> is_hole(Lane& lane);
  // Fills `buffer` from this place of the content. False when it is not all there.
  [[nodiscard]] Result<bool> read(uint64_t offset, size_t wanted, std::span<uint8_t> buffer,
                                  bool is_cold);
  [[nodiscard]] Result<bool> read_part(size_t index, uint64_t offset, std::span<uint8_t> into,
                                       std::span<uint8_t> buffer, bool is_cold);
  // The last part that starts at or before this place of the content.
  [[nodiscard]] size_t part_at(uint64_t offset) const;
  // nullptr when it is not there.
  [[nodiscard]] Result<OpenFile*> open_part(size_t index);
  // By the first stream.
  [[nodiscard]] Sha1Digest zeros_digest(uint32_t size_bytes);

  std::span<const ContentPart> parts_;
  Geometry geometry_;
  const bool through_cache_;
  LaneBuffers buffers_;
  hash::Sha1Streams streams_;  // one for each lane
  std::array<OpenFile, open_files_max> open_files_;
  size_t next_open_file_ = 0;  // to be closed for another
  uint32_t zeros_bytes_ = 0;   // size the digest below is of; 0: none
  Sha1Digest zeros_digest_;
};

}  // namespace murder::archive
