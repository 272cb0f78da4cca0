// The paths of a torrent's files as a whole: that they fit into one tree, and where its links lead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/codec/bounds.h"
#include "engine/codec/file_entry.h"

namespace murder::codec {

// No path twice, and none below a path that is a file. Padding has no path.
[[nodiscard]] Status check_paths_differ(const std::vector<FileEntry>& files);

// Replaces each link's target, as the torrent states it ("../a/b"), by a path below the torrent's
// name. A target is taken from the root (BEP 47), and where that names nothing from the link's own
// directory, which is what libtorrent wrote up to 2.0.8. Errors: a target that names nothing in the
// torrent, leaves it, or leads in a circle, and links that take more than `steps_max` steps to
// follow (each part of a path is one, and more of them where the path in front of it is long).
[[nodiscard]] Status resolve_links(std::vector<FileEntry>& files,
                                   uint64_t steps_max = limits::torrent_link_steps_max);

// A name out of a torrent, fit for a message.
[[nodiscard]] std::string shown_name(std::string_view text);

}  // namespace murder::codec
