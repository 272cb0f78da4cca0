// Bounds of what is parsed: metainfo, HTTP heads, announces and scrapes.
#pragma once

#include <cstdint>

#include "engine/base/bounds.h"

namespace murder::limits {

inline constexpr uint32_t torrent_bytes_max = 256 * 1024 * 1024;
inline constexpr uint32_t bencode_depth_max = 32;
// A dictionary whose keys are out of order is searched for twins only up to this size.
inline constexpr uint32_t bencode_unsorted_keys_max = 4096;
inline constexpr uint32_t torrent_files_max = 1024 * 1024;
inline constexpr uint32_t torrent_trackers_max = 256;     // what we keep of a torrent's list
inline constexpr uint32_t torrent_path_bytes_max = 3072;  // leaves room in PATH_MAX for a directory

inline constexpr uint32_t http_head_bytes_max = 16 * 1024;
inline constexpr uint32_t http_fields_max = 64;  // header fields of one head
inline constexpr uint32_t scrape_hashes_max = 128;
static_assert(scrape_hashes_max * 72 < http_head_bytes_max, "so many fit into one request");
inline constexpr uint32_t peers_per_reply_default = 50;
inline constexpr uint32_t peers_per_reply_max = 200;
static_assert(peers_per_reply_default <= peers_per_reply_max);
// Trackers that one peer may say it announces to.
inline constexpr uint32_t announce_trackers_max = 16;

}  // namespace murder::limits
