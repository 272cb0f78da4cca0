// Where the state of a swarm lies, for the processor. Nothing here changes what the swarm does.
#include "engine/base/fetch.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

void Swarm::fetch_ahead(const Session& session) const {
  fetch_lines(&session, &session.requested);
  fetch_lines(&have_, &uploads_);
  fetch_lines(&sessions_, &by_slot_);
  fetch_lines(&grantable_, &rack_);
}

void Swarm::fetch_ahead(SessionId id, const Session& session,
                        const codec::PeerMessage& message) const {
  sessions_.fetch_ahead(id);
  grantable_.fetch_ahead(id.slot);
  grantable_outside_.fetch_ahead(id.slot);
  if (message.type == codec::MessageType::have && message.piece.raw < have_.size()) {
    session.pieces.fetch_ahead(message.piece.raw);
    have_.fetch_ahead(message.piece.raw);
    picker_.fetch_ahead(message.piece);
  }
}

}  // namespace murder::swarm
