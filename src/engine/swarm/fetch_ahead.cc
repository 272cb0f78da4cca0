// Where the state of a swarm lies, for the processor. Nothing here changes what the swarm does.
#include "engine/base/fetch.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

void Swarm::fetch_ahead(const Session& session) const {
  fetch_lines(&session, &session.requested);
  fetch_lines(&context_.sessions, &context_.active);
  fetch_lines(&rack_, &uploads_);
}

void Swarm::fetch_ahead(SessionId id, const Session& session,
                        const codec::PeerMessage& message) const {
  context_.sessions.fetch_ahead(id);
  grants_.fetch_ahead(id);
  if (message.type == codec::MessageType::have &&
      message.piece.raw < context_.pieces.have().size()) {
    session.pieces.fetch_ahead(message.piece.raw);
    context_.pieces.fetch_ahead(message.piece);
  }
}

}  // namespace murder::swarm
