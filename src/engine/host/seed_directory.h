// A directory of releases to be served, TAG.torrent with its content beside it.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/codec/metainfo.h"

namespace murder::host {

// The torrent of a tag: DIR/TAG.torrent, else with the ending of a packed tree, as `murder create`
// names it. A tag may be written as systemd escapes it for the name of a unit ("v1\x2b2").
[[nodiscard]] Result<std::string> find_torrent(const std::string& directory,
                                               const std::string& tag);

// Where the content of a torrent usually lies: beside it, under its own name.
[[nodiscard]] Result<std::string> find_content(const std::string& torrent_path,
                                               const codec::Metainfo& metainfo);

// "\x2d" becomes "-" and so on; what is not such an escape stays. "-" stays "-".
[[nodiscard]] std::string unescape_instance(std::string_view text);

}  // namespace murder::host
