// A torrent and what it describes, as files and bytes of this machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/types.h"

namespace murder::fleet {

// What a torrent is on this machine: its name without ".torrent", and its bytes.
struct LocalTorrent {
  std::string name;
  std::string bytes;
  InfoHash info_hash;
  std::vector<std::string> tracker_urls;
};

struct PackedRelease {
  LocalTorrent torrent;
  std::string archive_path;    // on this machine; empty when it was packed on the seeder
  uint64_t archive_bytes = 0;  // of it
};

[[nodiscard]] Result<LocalTorrent> read_torrent(const std::string& bytes, const std::string& where);
// TEMP/TAG*.torrent of this machine; several are an error.
[[nodiscard]] Result<LocalTorrent> find_torrent(const std::string& temp_path,
                                                const std::string& tag);
// The torrent with these trackers; its info hash stays.
[[nodiscard]] Result<LocalTorrent> with_trackers(const LocalTorrent& torrent,
                                                 const std::vector<std::string>& tracker_urls);

}  // namespace murder::fleet
