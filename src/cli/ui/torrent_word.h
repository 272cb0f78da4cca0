// A torrent as commands are given it, and what is said of one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/host/torrent_input.h"

namespace murder::cli {

// A path, "-" for standard input, or an http or https URL. As host::load_torrent().
[[nodiscard]] Result<host::TorrentInput> load_torrent(const std::string& word,
                                                      bool is_acted_on = false,
                                                      const std::string& pins = {});

// "512 pieces of 256 KiB, chosen for 1000 hosts"; without the last part when that is not known.
[[nodiscard]] std::string pieces_text(uint32_t piece_count, uint64_t piece_bytes,
                                      std::optional<uint32_t> hosts_expected);

}  // namespace murder::cli
