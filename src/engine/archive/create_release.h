// Makes a release: the archive of a directory (or a file as it is) and its torrent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/archive/make_compressor.h"
#include "engine/archive/observer.h"
#include "engine/archive/piece_size.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/hash/sha256.h"

namespace murder::archive {

struct CreateOptions {
  std::string source;  // a directory or a file; a link is followed
  std::string tag;
  std::string directory = "/tmp";         // where the archive and the torrent go
  std::vector<std::string> tracker_urls;  // each a separate tier, in order
  CompressionOptions compression;         // of a directory
  uint64_t piece_bytes = 0;               // 0: by the size of the release and of the fleet
  uint32_t hosts_expected = hosts_expected_default;
  std::vector<std::string> exclude;  // patterns of entries to leave out (exclude_patterns.h)
  bool keep_git = false;             // entries named ".git*"
  bool one_file_system = false;      // nothing of what is mounted below
  bool keep_attributes = false;      // extended ones, access lists and capabilities among them
  bool replace = false;              // an archive and a torrent that are there already
  bool sync_to_disk = false;         // both are whole, or not there, also after a power cut
  bool hashes_content = false;       // by SHA-256 as well: for a signature
  const CancelFlag* cancel = nullptr;
};

// Where the bytes of an archive come from.
enum class ArchiveContent : uint8_t {
  packed,         // of a directory
  shares_blocks,  // a copy of the file that takes no space until one of them is written
  copied,         // of the file
  in_place,       // the file itself: it lies where its archive is to be, and must not be written
};

struct CreatedRelease {
  std::string archive_path;  // DIRECTORY/TAG.tar.zst; DIRECTORY/TAG of a file
  std::string torrent_path;  // the same and ".torrent"
  InfoHash info_hash;
  uint64_t source_bytes = 0;
  uint64_t archive_bytes = 0;
  uint64_t entry_count = 0;
  // What hosts need room for.
  uint64_t unpacked_bytes = 0;    // of data, without holes
  uint64_t unpacked_entries = 0;  // the root too
  ArchiveContent content = ArchiveContent::packed;
  uint32_t piece_bytes = 0;
  uint32_t piece_count = 0;
  std::optional<hash::Sha256Digest> content_sha256;  // of the archive, if that was wanted
};

// The tag, the level and the piece size: what can be known to be wrong before anything is read.
[[nodiscard]] Status validate_create_options(const CreateOptions& options);

// Entries named ".git*" are left out of a directory unless told; owners are not recorded. The same
// tree gives the same archive and torrent. A file is copied, sharing its blocks where the file
// system can, so that whoever writes the source changes nothing of the release. The archive is
// readable by us alone. Both files appear under their names when they are complete, the torrent
// last.
[[nodiscard]] Result<CreatedRelease> create_release(const CreateOptions& options,
                                                    Observer& observer);

}  // namespace murder::archive
