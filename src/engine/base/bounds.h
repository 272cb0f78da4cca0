// Bounds that several layers share; those of one layer are in its own bounds.h.
#pragma once

#include <cstdint>

namespace murder::limits {

// --- Blocks and pieces --------------------------------------------------------------------------

// What stock clients ask for, and the largest request they serve (BEP 3: 2^14).
inline constexpr uint32_t block_bytes_stock = 16 * 1024;
// The largest block we ask of or serve to our own kind (announced in the extension handshake).
inline constexpr uint32_t block_bytes_max = 512 * 1024;
inline constexpr uint32_t piece_bytes_min = 16 * 1024;         // what create makes
inline constexpr uint32_t piece_bytes_max = 32 * 1024 * 1024;  // what a torrent may have
inline constexpr uint32_t piece_count_max = 4 * 1024 * 1024;
static_assert(block_bytes_stock <= piece_bytes_min);
static_assert(block_bytes_max <= piece_bytes_max);

// --- Names --------------------------------------------------------------------------------------

inline constexpr uint32_t path_part_bytes_max = 255;  // NAME_MAX of Linux
inline constexpr uint32_t tag_bytes_max = 200;        // with .tar.zst.torrent it stays a file name
inline constexpr uint32_t name_bytes_max = tag_bytes_max + 20;  // of a torrent's content
static_assert(name_bytes_max <= path_part_bytes_max);
inline constexpr uint32_t rack_name_bytes_max = 64;

// --- Memory of a process ------------------------------------------------------------------------

inline constexpr uint64_t memory_bytes_default = 64ULL * 1024 * 1024;
inline constexpr uint32_t piece_buffers_min = 2;
inline constexpr uint32_t piece_buffers_max = 1024;
static_assert(uint64_t{piece_bytes_max} * piece_buffers_min <= memory_bytes_default);

}  // namespace murder::limits
