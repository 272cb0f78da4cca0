// What the name of a torrent's content tells: a tree that is packed, or a file that is shared as it
// is.
#pragma once

#include <string_view>

namespace murder::archive {

// Whether it ends as a packed tree does: ".tar.zst", ".tar.gz", ".tar". Peers unpack such a
// release.
[[nodiscard]] bool is_packed_tree_name(std::string_view name);

// The name without that ending: the tag.
[[nodiscard]] std::string_view tag_of_name(std::string_view name);

}  // namespace murder::archive
