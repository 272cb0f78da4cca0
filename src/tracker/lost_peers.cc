#include "tracker/lost_peers.h"

#include <algorithm>

#include "tracker/bounds.h"

namespace murder::tracker {

bool LostPeers::is_missed(const PeerRecord& record) {
  return !record.is_alias && record.standing != Standing::hidden &&
         (!record.is_seeder() || record.is_source);
}

LostPeer LostPeers::lost_line_of(const PeerRecord& record) {
  return {.host = record.host,
          .endpoint = record.endpoint,
          .left_bytes = record.left_bytes,
          .last_announce = record.last_announce,
          .is_source = record.is_source};
}

void LostPeers::add(const PeerRecord& record) {
  if (!is_missed(record)) {
    return;
  }
  if (peers_.size() >= limits::lost_peers_max) {
    peers_.pop_front();
    ++not_listed_count_;
  }
  peers_.push_back(lost_line_of(record));
}

// A host that comes back has another port and another peer id, as a rule.
void LostPeers::found(const Endpoint& endpoint, const std::string& host) {
  const auto at = std::find_if(peers_.begin(), peers_.end(), [&](const LostPeer& peer) {
    return peer.endpoint == endpoint ||
           (!host.empty() && peer.host == host && peer.endpoint.address == endpoint.address);
  });
  if (at != peers_.end()) {
    peers_.erase(at);
  }
}

}  // namespace murder::tracker
