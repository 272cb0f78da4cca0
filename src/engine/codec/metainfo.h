// Metainfo, the content of a .torrent file (BEP 3, 12, 27, 47).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/geometry.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/base/version.h"
#include "engine/codec/file_entry.h"
#include "engine/codec/signed_statement.h"

namespace murder::codec {

// What a release takes on a host: for checks before it is fetched, and against archives that are
// made to fill a disk.
struct UnpackedSize {
  uint64_t bytes = 0;    // of data in files, without holes, and of extended attributes
  uint64_t entries = 0;  // inodes at most: files, directories and links, the root too

  bool operator==(const UnpackedSize&) const = default;
};

// A checked torrent: names and paths are safe to join to a directory (no "..", '/', NUL, empty part
// or part of more than 255 bytes, none twice, no file that is also a directory), sizes add up, and
// there are as many digests as pieces. An empty release has no piece and no digest.
struct Metainfo {
  std::string name;
  Geometry geometry;
  std::vector<Sha1Digest> piece_digests;
  std::vector<FileEntry> files;  // in the order of the content; one when is_single_file
  bool is_single_file = true;
  bool is_private = false;
  // BEP 12: tiers in order, each of one URL or more, of any scheme; announce when there is no list,
  // or none of the list can be asked.
  std::vector<std::vector<std::string>> tracker_tiers;
  std::string comment;
  std::string created_by;
  std::optional<int64_t> created_at_s;  // seconds since 1970
  // Of ours, outside of the info dictionary: for how many hosts the piece size was chosen.
  std::optional<uint32_t> hosts_expected;
  std::optional<UnpackedSize> unpacked_size;        // likewise; as its maker says
  std::optional<SignedStatement> signed_statement;  // likewise; nothing of it is verified
  // The info dictionary as it stands, of which the SHA-1 is the info hash: a view into the bytes
  // that were parsed, since it may be as large as all of the files' names.
  std::string_view raw_info;

  [[nodiscard]] uint32_t piece_count() const { return geometry.piece_count(); }
};

// Errors say what is wrong, not in which file: the caller knows its name. A torrent of BEP 52 alone
// is unsupported; of a hybrid one the part of BEP 3 is read. What follows the torrent's dictionary
// is passed over.
[[nodiscard]] Result<Metainfo> parse_metainfo(std::span<const uint8_t> torrent);

// What a single-file torrent is made from.
struct MetainfoDraft {
  std::string_view name;  // a valid tag, or file name
  Geometry geometry;      // piece_bytes >= 1 also when there is no piece
  std::span<const Sha1Digest> piece_digests;
  std::vector<std::vector<std::string>> tracker_tiers;
  std::string_view comment;
  std::string_view created_by = program_name_and_version();
  std::optional<int64_t> created_at_s;  // absent by default: same release, same bytes
  std::optional<uint32_t> hosts_expected;
  std::optional<UnpackedSize> unpacked_size;
  std::optional<SignedStatement> signed_statement;
  bool is_private = true;      // BEP 27
  bool is_executable = false;  // BEP 47
};

[[nodiscard]] std::string encode_metainfo(const MetainfoDraft& draft);

}  // namespace murder::codec
