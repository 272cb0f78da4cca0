// What the links of a shard want done at the end of its turn. A link stands in each list once.
//
// Lives on the shard's thread; bounded by the number of links, which outlive their entries.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/swarm/close_reason.h"
#include "engine/swarm/effects.h"

namespace murder::node {

class PeerLink;

// Bits of PeerLink::listed: where a link stands.
enum LinkList : uint32_t {
  listed_flush = 1,
  listed_arm = 2,
  listed_disarm = 4,
  listed_settled = 8,
  listed_end = 16,
  listed_chunk = 32,
  listed_upload = 64,
  listed_download = 128,
};

// Puts the link into the list. False: it stands there already.
bool enlist(std::vector<PeerLink*>& list, PeerLink& link, LinkList flag);
// The caller takes the link out of the list.
void unlist(PeerLink& link, LinkList flag);

class LinkWork {
 public:
  void wants_flush(PeerLink& link) { enlist(flush_, link, listed_flush); }
  void wants_arm(PeerLink& link) { enlist(arm_, link, listed_arm); }
  void wants_disarm(PeerLink& link) { enlist(disarm_, link, listed_disarm); }
  void wants_end(PeerLink& link, swarm::CloseReason reason);
  // Nothing of a closing link is in flight any more.
  void settled(PeerLink& link) { enlist(settled_, link, listed_settled); }

  // Each does what waits, and is false when nothing did.
  bool end_links();
  bool answer_disarms();
  bool flush();
  bool arm();
  // Calls visit(link) for the links that settled.
  template <typename Visit>
  bool each_settled(Visit&& visit) {
    return drain(settled_, listed_settled, std::forward<Visit>(visit));
  }

 private:
  struct LinkEnd {
    PeerLink* link;
    swarm::SessionId session;
    swarm::CloseReason reason;
  };

  template <typename Visit>
  bool drain(std::vector<PeerLink*>& list, LinkList flag, Visit&& visit) {
    if (list.empty()) {
      return false;
    }
    draining_.clear();
    std::swap(list, draining_);
    for (PeerLink* link : draining_) {
      unlist(*link, flag);
      visit(*link);
    }
    return true;
  }

  std::vector<PeerLink*> flush_;
  std::vector<PeerLink*> arm_;
  std::vector<PeerLink*> disarm_;
  std::vector<PeerLink*> settled_;
  std::vector<PeerLink*> draining_;
  std::vector<LinkEnd> ends_;
};

}  // namespace murder::node
