// The header block of the tar format, as POSIX.1-1988 (ustar) and GNU tar lay it out.
#pragma once

#include <cstdint>

namespace murder::archive {

inline constexpr uint64_t tar_block_bytes = 512;
inline constexpr uint64_t tar_end_bytes = 2 * tar_block_bytes;  // zeros that end an archive

struct UstarBlock {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link_name[100];
  char magic[6];
  char version[2];
  char user_name[32];
  char group_name[32];
  char device_major[8];
  char device_minor[8];
  char prefix[155];
  char unused[12];
};
static_assert(sizeof(UstarBlock) == tar_block_bytes);

// Zeros that fill the last block of a content.
[[nodiscard]] constexpr uint64_t tar_padding_bytes(uint64_t content_bytes) {
  return (tar_block_bytes - content_bytes % tar_block_bytes) % tar_block_bytes;
}

// A part of a file that holds data; between them are holes.
struct Extent {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;

  bool operator==(const Extent&) const = default;
};

}  // namespace murder::archive
