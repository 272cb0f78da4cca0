// The blocks that sessions were asked for: how much at a time, what is taken back, and where the
// payload of an answer goes. Owned by the fetching half of a swarm; what it knows of a session
// stands in the session, bounded by limits::requests_outstanding_max.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/swarm/context.h"

namespace murder::swarm {

// Where a block's payload goes.
struct PayloadPlace {
  bool wanted = false;  // false: read it and throw it away
  BufferIndex buffer;
  uint32_t offset = 0;
};

class BlockRequests {
 public:
  explicit BlockRequests(Context& context);

  // --- asking ---
  // Bytes that a stock client is asked for at a time, and how large a block of them.
  [[nodiscard]] uint32_t window(const Session& session) const;
  [[nodiscard]] static uint32_t block_bytes(const Session& session, uint32_t window);
  // The next missing block of the buffer's piece.
  void ask(SessionId id, Session& session, BufferIndex buffer, uint32_t block_bytes, Instant now);

  // --- taking back: the units stay `requested` until the transport is disarmed ---
  void revoke_all(SessionId id, Session& session, bool send_cancels);
  // Whatever any session was asked for of a piece that was given up.
  void revoke_buffer(BufferIndex buffer);
  // The peer says no. False: to nothing that it is asked for.
  [[nodiscard]] bool rejected(SessionId id, Session& session, const BlockRange& block, Instant now);
  // The transport does not write into any place of the session's any more; or is gone.
  void disarmed(Session& session);
  void closed(const Session& session);

  // --- answers ---
  [[nodiscard]] uint32_t expected(const Session& session, std::span<OutgoingRequest> out) const;
  [[nodiscard]] static uint32_t bytes_to_gather(const Session& session);
  // nullopt: more came unasked than anybody may send.
  [[nodiscard]] std::optional<PayloadPlace> begin(Session& session, const BlockRange& block,
                                                  Instant now);
  // The payload of `arriving` is whole. Returns its buffer, when its piece is still received.
  [[nodiscard]] std::optional<BufferIndex> end(SessionId id, Session& session, Instant now);

  // Which rule that must hold does not; empty when all do. Slow.
  [[nodiscard]] std::string_view check() const;

 private:
  void revoke(SessionId id, Session& session, const OutgoingRequest& request);
  void release(const OutgoingRequest& request);
  void adapt_window(Session& session, Duration answered_after);

  const SwarmConfig& config_;
  EffectSink& sink_;
  SwarmStats& stats_;
  SessionTable& sessions_;
  ActivePieces& active_;
};

}  // namespace murder::swarm
