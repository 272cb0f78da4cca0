// Peers of a swarm that fell silent: what the tracker's pages tell of them. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "tracker/peer_record.h"

namespace murder::tracker {

struct LostPeer {
  std::string host;
  Endpoint endpoint;
  uint64_t left_bytes = 0;
  Instant last_announce;
  bool is_source = false;
};

// Of whom said farewell, or finished before, nothing is lost. Bounded by limits::lost_peers_max:
// beyond it those that fell silent first are only counted.
class LostPeers {
 public:
  // Of a peer that counts as lost when it falls silent.
  [[nodiscard]] static bool is_missed(const PeerRecord& record);

  [[nodiscard]] static LostPeer lost_line_of(const PeerRecord& record);

  // A record that expired.
  void add(const PeerRecord& record);
  // A peer announces from there, or one of this name: it was that one.
  void found(const Endpoint& endpoint, const std::string& host);

  [[nodiscard]] const std::deque<LostPeer>& peers() const { return peers_; }  // the last at the end
  [[nodiscard]] uint32_t count() const {
    return static_cast<uint32_t>(peers_.size()) + not_listed_count_;
  }

 private:
  std::deque<LostPeer> peers_;
  uint32_t not_listed_count_ = 0;
};

}  // namespace murder::tracker
