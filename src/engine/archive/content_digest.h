// What the content of a release is, by SHA-256: what a signature covers, and what is compared with
// it before anything gets its name. Hashed are the bytes that are put in place, never a second
// reading of a file that somebody may write to.
#pragma once

#include <cstdint>
#include <string>

#include "engine/archive/byte_source.h"
#include "engine/archive/observer.h"
#include "engine/base/result.h"
#include "engine/codec/metainfo.h"
#include "engine/hash/sha256.h"

namespace murder::archive {

// Of the content as the pieces have it: all files of the torrent in their order, with padding.
struct ContentDigest {
  hash::Sha256Digest sha256;
  uint64_t size_bytes = 0;

  bool operator==(const ContentDigest&) const = default;
};

// Error (untrusted): `name` is other content than was signed.
[[nodiscard]] Status check_signed_content(const ContentDigest& expected, const ContentDigest& found,
                                          const std::string& name);

// Passes bytes on, and hashes exactly those.
class HashingSource final : public ByteSource {
 public:
  // The source outlives it.
  explicit HashingSource(ByteSource& source) : source_(source) {}

  [[nodiscard]] Result<size_t> read(std::span<uint8_t> into) override;
  [[nodiscard]] uint64_t size_bytes() const override { return source_.size_bytes(); }
  // Of all that was read; nothing is left of it afterwards.
  [[nodiscard]] ContentDigest finish();

 private:
  ByteSource& source_;
  hash::Sha256Stream stream_;
};

// From the start to the end of an open file.
[[nodiscard]] Result<ContentDigest> digest_of_file(int fd, const std::string& path,
                                                   const CancelFlag* cancel);

// `path` as verify_content() takes it. Error: a file is not there, or not of its size.
[[nodiscard]] Result<ContentDigest> digest_of_content(const codec::Metainfo& metainfo,
                                                      const std::string& path,
                                                      const CancelFlag* cancel);

}  // namespace murder::archive
