// What all stores say about torrents.
#pragma once

#include <fmt/format.h>

#include <string>

#include "coordinator/store/bounds.h"
#include "engine/base/result.h"
#include "engine/base/types.h"

namespace murder::store {

[[nodiscard]] inline Error no_such_torrent(const std::string& store, const InfoHash& info_hash) {
  return {ErrorCode::not_found,
          fmt::format("{}: no torrent of info hash {}", store, info_hash.hex())};
}

[[nodiscard]] inline Error too_many_torrents(const std::string& store) {
  return {ErrorCode::limit, fmt::format("{}: there are {} torrents already, as many as it may have",
                                        store, limits::store_torrents_max)};
}

}  // namespace murder::store
