// A torrent as commands are given it: a path, "-" for standard input, or an http URL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/codec/metainfo.h"

namespace murder::cli {

struct TorrentInput {
  codec::Metainfo metainfo;
  InfoHash info_hash;
};

// Blocking; to be called before a worker is started. Errors name the torrent. `is_acted_on`: more
// than to show it; then a file in a directory where anybody may put some must be ours.
[[nodiscard]] Result<TorrentInput> load_torrent(const std::string& where, bool is_acted_on = false);

// "512 pieces of 256 KiB, chosen for 1000 hosts"; without the last part when that is not known.
[[nodiscard]] std::string pieces_text(uint32_t piece_count, uint64_t piece_bytes,
                                      std::optional<uint32_t> hosts_expected);

}  // namespace murder::cli
