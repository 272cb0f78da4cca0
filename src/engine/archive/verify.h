// Reads content and hashes its pieces on all cores, several side by side on each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/archive/observer.h"
#include "engine/base/bit_set.h"
#include "engine/base/geometry.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/codec/metainfo.h"

namespace murder::archive {

inline constexpr size_t verify_memory_bytes_default = size_t{32} * 1024 * 1024;

struct VerifyOptions {
  uint32_t threads = 0;  // 0: one for each core
  // What is read is to be in the page cache afterwards, since it is wanted again soon. Without it,
  // what is not there already is read past it.
  bool through_cache = false;
  size_t memory_bytes = verify_memory_bytes_default;  // of all threads together
  const CancelFlag* cancel = nullptr;
};

// Which pieces of the torrent are there and right. `path` is the file, or of a torrent of several
// files the directory they lie in; that it is not there is an Error, that a file in it is not there
// (or too short) means missing pieces. A file that is too long is not noticed: nothing is said
// about what is behind the last piece.
[[nodiscard]] Result<BitSet> verify_content(const codec::Metainfo& metainfo,
                                            const std::string& path, const VerifyOptions& options,
                                            Observer& observer);

// The digests of all pieces of a file.
[[nodiscard]] Result<std::vector<Sha1Digest>> hash_pieces(const std::string& path,
                                                          const Geometry& geometry,
                                                          const VerifyOptions& options,
                                                          Observer& observer);

}  // namespace murder::archive
