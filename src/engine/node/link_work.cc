#include "engine/node/link_work.h"

#include "engine/base/ensure.h"
#include "engine/node/peer_link.h"

namespace murder::node {

bool enlist(std::vector<PeerLink*>& list, PeerLink& link, LinkList flag) {
  if ((link.listed & flag) != 0) {
    return false;
  }
  link.listed |= flag;
  list.push_back(&link);
  return true;
}

void unlist(PeerLink& link, LinkList flag) {
  ENSURE((link.listed & flag) != 0);
  link.listed &= ~uint32_t{flag};
}

void LinkWork::wants_end(PeerLink& link, swarm::CloseReason reason) {
  if ((link.listed & listed_end) == 0) {
    link.listed |= listed_end;
    ends_.push_back({&link, link.session(), reason});
  }
}

bool LinkWork::end_links() {
  if (ends_.empty()) {
    return false;
  }
  std::vector<LinkEnd> ends;
  std::swap(ends, ends_);
  for (const LinkEnd& entry : ends) {
    unlist(*entry.link, listed_end);
    if (entry.link->session() == entry.session) {
      entry.link->end(entry.reason);
    }
  }
  return true;
}

bool LinkWork::answer_disarms() {
  return drain(disarm_, listed_disarm, [](PeerLink& link) { link.answer_disarm(); });
}

bool LinkWork::flush() {
  return drain(flush_, listed_flush, [](PeerLink& link) { link.flush(); });
}

bool LinkWork::arm() {
  return drain(arm_, listed_arm, [](PeerLink& link) { link.arm(); });
}

}  // namespace murder::node
