// Bounds of what is parsed: metainfo, HTTP heads, announces and scrapes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/bounds.h"

namespace murder::limits {

inline constexpr uint32_t torrent_bytes_max = 256 * 1024 * 1024;
inline constexpr uint32_t torrent_path_parts_max = 1000;  // levels of a tree
// A hybrid's file tree (BEP 52) nests a dictionary for each level, in four others.
inline constexpr uint32_t bencode_depth_max = torrent_path_parts_max + 24;
inline constexpr uint32_t bencode_written_depth_max = 16;
// A dictionary whose keys are out of order is searched for twins only up to this size.
inline constexpr uint32_t bencode_unsorted_keys_max = 4096;
inline constexpr uint32_t torrent_files_max = 1024 * 1024;
// What we keep of a torrent's list: that many that can be asked (http), and that many others.
inline constexpr uint32_t torrent_trackers_max = 256;
// Parts of paths that are walked to find where all links of a torrent lead.
inline constexpr uint64_t torrent_link_steps_max = 64 * 1024 * 1024;
inline constexpr uint32_t torrent_path_bytes_max = 3072;  // leaves room in PATH_MAX for a directory

// What travels beside the info dictionary of a signed release (signed_statement.h).
inline constexpr size_t statement_bytes_max = 4096;
// An RSA key of 16384 bits, its signature, and a certificate with one of its own.
inline constexpr size_t signature_bytes_max = 16 * 1024;
inline constexpr size_t signatures_max = 16;

inline constexpr uint32_t http_head_bytes_max = 16 * 1024;
inline constexpr uint32_t http_fields_max = 64;  // header fields of one head
inline constexpr uint32_t scrape_hashes_max = 128;
static_assert(scrape_hashes_max * 72 < http_head_bytes_max, "that many fit into one request");
inline constexpr uint32_t peers_per_reply_default = 50;
inline constexpr uint32_t peers_per_reply_max = 200;
static_assert(peers_per_reply_default <= peers_per_reply_max);
// Bytes that are kept of what a tracker tells people (failure reason, warning message).
inline constexpr uint32_t tracker_text_bytes_max = 300;
inline constexpr uint32_t tracker_id_bytes_max = 512;
// Trackers that one peer may say it announces to.
inline constexpr uint32_t announce_trackers_max = 16;

}  // namespace murder::limits
