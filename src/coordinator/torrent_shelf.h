// The torrents of releases, as agents fetch them: from the store, the latest ones from memory.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/bounds.h"
#include "coordinator/store_thread.h"
#include "engine/base/types.h"
#include "engine/http/server.h"
#include "engine/http/shared_body.h"

namespace murder::coordinator {

// On the thread of the server. Bounded by limits::torrents_cached_bytes_max, and
// limits::torrent_requests_max torrents that are waited for, of which one is read from the store at
// a time: records wait for that one alone. Those who ask for the same wait for the same answer,
// within the server's time for it.
class TorrentShelf {
 public:
  TorrentShelf(StoreThread& store, http::Server& server) : store_(store), server_(server) {}

  [[nodiscard]] http::Response answer(const InfoHash& info_hash, uint64_t ticket);
  void put(const InfoHash& info_hash, std::string bytes);
  void store_replied(TorrentGot reply);

 private:
  [[nodiscard]] static http::Response response_of(const http::SharedBody& torrent);
  void ask_next();
  void answer_waiting(TorrentGot reply);

  StoreThread& store_;
  http::Server& server_;
  std::unordered_map<InfoHash, http::SharedBody, Id20Hash> torrents_;
  std::deque<InfoHash> order_;  // the one put first comes first
  uint64_t bytes_ = 0;
  std::unordered_map<InfoHash, std::vector<uint64_t>, Id20Hash> waiting_;  // tickets
  std::deque<InfoHash> next_;      // of these, what the store is not asked for yet
  std::optional<InfoHash> asked_;  // what it is asked for
};

}  // namespace murder::coordinator
