// The torrent of what a host fetches or serves.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/codec/metainfo.h"
#include "engine/trust/fleet_key.h"

namespace murder::host {

struct TorrentInput {
  codec::Metainfo metainfo;
  InfoHash info_hash;
  // Of the swarm, where lines with them came in front of the torrent.
  std::optional<trust::FleetKeys> fleet_keys = std::nullopt;
};

// Blocking, as all here: before a worker is started. Errors name the torrent.

// From a path or an http or https URL. `is_acted_on`: more than to show it; then a file in a
// directory where anybody may put some must be ours. `pins`: as http::RequestOptions has them.
[[nodiscard]] Result<TorrentInput> load_torrent(const std::string& where, bool is_acted_on = false,
                                                const std::string& pins = {});

// The lines in front of a text that begin as keys of a fleet do.
[[nodiscard]] std::string_view key_lines_of(std::string_view text);

// Up to the end of an open file, pipe or socket; `name` is for texts. Lines with keys of a fleet
// (trust/fleet_key.h) may come in front of the torrent.
[[nodiscard]] Result<TorrentInput> read_torrent(int fd, const std::string& name);

}  // namespace murder::host
