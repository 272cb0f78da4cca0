// Which piece a stock client is asked for: what is its own or left half done, the rarest that it
// has, what it can help with, and near the end a second copy of what is slow. Changes nothing.
#pragma once

#include <optional>

#include "engine/swarm/context.h"
#include "engine/swarm/piece_choice.h"

namespace murder::swarm {

class StockChoice {
 public:
  explicit StockChoice(const Context& context);

  // It may go on with the piece that it brings now.
  [[nodiscard]] bool goes_on(SessionId id, const Session& session) const;
  [[nodiscard]] PieceChoice choose(SessionId id, const Session& session, Instant now) const;

 private:
  [[nodiscard]] std::optional<BufferIndex> find_orphan(SessionId id, const Session& session) const;
  [[nodiscard]] std::optional<BufferIndex> find_to_join(const Session& session) const;
  [[nodiscard]] std::optional<BufferIndex> find_to_duplicate(SessionId id, const Session& session,
                                                             Instant now) const;
  [[nodiscard]] bool may_contribute(const ActivePiece& active, const Session& session) const;
  [[nodiscard]] bool is_slow(const ActivePiece& active, const Session& session, Instant now) const;

  const SessionTable& sessions_;
  const PieceTable& pieces_;
  const ActivePieces& active_;
};

}  // namespace murder::swarm
