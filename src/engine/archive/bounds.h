// Bounds of the trees that are packed and unpacked.
#pragma once

#include <cstdint>

namespace murder::limits {

inline constexpr uint32_t path_bytes_max = 16 * 1024;  // of an entry of a tree; below its root
inline constexpr uint32_t path_depth_max = 1000;       // levels below the root

// What the header in front of an entry of an archive may hold: names, holes, attributes.
inline constexpr uint32_t pax_header_bytes_max = 16 * 1024 * 1024;
inline constexpr uint32_t sparse_extents_max = 1024 * 1024;  // of a file with holes
// Extended attributes of one file, as the kernel has it (XATTR_NAME_MAX, _SIZE_MAX, _LIST_MAX).
inline constexpr uint32_t attribute_name_bytes_max = 255;
inline constexpr uint32_t attribute_value_bytes_max = 64 * 1024;
inline constexpr uint32_t attribute_list_bytes_max = 64 * 1024;
inline constexpr uint32_t attributes_max = 1024;
// Of all directories of a tree together, which get theirs at the end.
inline constexpr uint64_t directory_attributes_bytes_max = 64 * 1024 * 1024;

inline constexpr uint32_t links_followed_max = 40;  // within a tree, to reach one entry
// What is kept of the names of an archive that is only checked: some 100,000 entries.
inline constexpr uint64_t entry_tree_bytes_max = 16 * 1024 * 1024;
inline constexpr uint32_t exclude_patterns_max = 1000;  // of create
inline constexpr uint32_t names_listed_max = 20;        // in one message

// What an archive may unpack to when nobody says: this many times its size, and at least some.
inline constexpr uint64_t unpacked_ratio_max = 100;
inline constexpr uint64_t unpacked_bytes_min = 1024 * 1024;

}  // namespace murder::limits
