// What must hold in a swarm between any two inputs. Slow: for tests and the simulator.
#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {
namespace {

std::string_view broken_in_session(const Session& session, const BitSet& have, uint32_t window) {
  const bool open = session.state == Session::State::open;
  if (!open && (!session.pieces.none() || !session.requested.empty() || !session.asked.empty())) {
    return "a session that is not open has pieces or requests";
  }
  if (open && !session.revoked.empty() && !session.disarming) {
    return "requests were taken back and nobody disarms the transport";
  }
  const uint32_t useful_count = session.pieces.count_outside(have);
  if (useful_count != session.useful_count) {
    return "useful_count is not what a recount gives";
  }
  if (open && session.interested != (useful_count > 0)) {
    return "interest does not follow what the peer has";
  }
  if (session.sending_bytes >= limits::send_window_bytes + window ||
      session.sending_blocks > limits::send_window_blocks) {
    return "more is handed to a transport than its window";
  }
  return {};
}

}  // namespace

std::string_view Swarm::broken_invariant() const {
  std::string_view broken;
  context_.sessions.each([&](SessionId, const Session& session) {
    if (broken.empty()) {
      broken = broken_in_session(session, context_.pieces.have(), context_.config.block_bytes_max);
    }
  });
  for (const std::string_view next :
       {context_.addresses.check(), context_.sessions.check(), context_.pieces.check(),
        connections_.check(), downloads_.check(), rates_.check(), rack_.check(), grants_.check(),
        uploads_.check()}) {
    broken = broken.empty() ? next : broken;
  }
  return broken;
}

}  // namespace murder::swarm
