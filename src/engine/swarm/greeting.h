// What is said at the start of a session: who we are, what we have, which extensions we speak. The
// last is said again when we have everything. Owned by the swarm; keeps room for one bitfield.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/swarm/context.h"

namespace murder::swarm {

class Greeting {
 public:
  explicit Greeting(Context& context);

  void send_handshake(SessionId id, Session& session, Instant now);
  void send_pieces(SessionId id, const Session& session);
  void send_extensions(SessionId id, Session& session);

 private:
  const SwarmConfig& config_;
  EffectSink& sink_;
  const PieceTable& pieces_;

  std::vector<uint8_t> bitfield_;  // wire form, reused
};

}  // namespace murder::swarm
