// What the name of a torrent's content tells: a tree that is packed, or a file that is shared as it
// is.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::archive {

// Whether it ends as a packed tree does: ".tar.zst", ".tar.gz", ".tar". Peers unpack such a
// release.
[[nodiscard]] bool is_packed_tree_name(std::string_view name);

// The name without that ending. Of a torrent from elsewhere it may be anything a file name may be,
// and what a name may not, such as "..": to be shown only.
[[nodiscard]] std::string_view tag_of_name(std::string_view name);

// The same if it is a valid tag (base/tag.h), which may name a directory, a log or a file.
[[nodiscard]] Result<std::string> valid_tag_of_name(std::string_view name);

}  // namespace murder::archive
