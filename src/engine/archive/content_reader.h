// The content of a torrent on disk: one file, or several that pieces span.
//
// For one thread: it keeps the file it read last open, and has a buffer of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/archive/file.h"
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

class ContentReader {
 public:
  // The parts follow one another and cover geometry.total_bytes; they outlive the reader.
  ContentReader(std::span<const ContentPart> parts, const Geometry& geometry);

  // The digest of a piece; nullopt when a file of it is not there, or too short. What lies wholly
  // in a hole is not read: it is as many zeros. A set flag ends it early, with nullopt.
  [[nodiscard]] Result<std::optional<Sha1Digest>> hash_piece(PieceIndex piece,
                                                             const CancelFlag& stop);

 private:
  static constexpr size_t buffer_bytes = 1024 * 1024;

  // Feeds [begin, end) of this part to the hash. False when it is not all there.
  [[nodiscard]] Result<bool> feed_part(size_t index, uint64_t begin, uint64_t end,
                                       const CancelFlag& stop);
  [[nodiscard]] Result<bool> open_part(size_t index);
  [[nodiscard]] bool is_hole(uint64_t begin, uint64_t end) const;
  void feed_zeros(uint64_t count);
  [[nodiscard]] Sha1Digest zeros_digest(uint32_t size_bytes);

  std::span<const ContentPart> parts_;
  Geometry geometry_;
  hash::Sha1Stream sha1_;
  std::vector<uint8_t> buffer_;
  FileDescriptor file_;
  std::optional<size_t> open_index_;  // of the part whose file is open, or was not there
  uint64_t file_bytes_ = 0;
  uint32_t zeros_bytes_ = 0;  // size the digest below is of; 0: none
  Sha1Digest zeros_digest_;
};

}  // namespace murder::archive
