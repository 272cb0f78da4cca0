// A torrent that an operator publishes: what of it the coordinator keeps in mind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/types.h"

namespace murder::coordinator {

struct PublishedTorrent {
  InfoHash info_hash;
  uint64_t total_bytes = 0;
  std::optional<uint64_t> signed_serial;  // as its statement has it; nothing of that is verified
};

// Errors: it cannot be read, is the torrent of another tag, or is signed for another app or tag.
// Hosts verify signatures, by the keys that they trust; this only finds mistakes early.
[[nodiscard]] Result<PublishedTorrent> read_published_torrent(std::string_view bytes,
                                                              const std::string& app,
                                                              const std::string& tag);

}  // namespace murder::coordinator
