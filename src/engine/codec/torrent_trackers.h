// The trackers of a torrent (BEP 12).
#pragma once

#include <string>
#include <vector>

#include "engine/codec/bencode.h"

namespace murder::codec {

// Tiers in order, each of one URL or more, of any scheme, without blanks around them. Of "announce"
// when there is no list, or when nothing of the list can be asked.
[[nodiscard]] std::vector<std::vector<std::string>> tracker_tiers_of(const BencodeValue& torrent);

}  // namespace murder::codec
