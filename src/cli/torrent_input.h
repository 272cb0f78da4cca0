// A torrent as commands are given it: a path, "-" for standard input, or an http URL.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/codec/metainfo.h"

namespace murder::cli {

struct TorrentInput {
  codec::Metainfo metainfo;
  InfoHash info_hash;
};

// Blocking; to be called before a worker is started. Errors name the torrent.
[[nodiscard]] Result<TorrentInput> load_torrent(const std::string& where);

}  // namespace murder::cli
