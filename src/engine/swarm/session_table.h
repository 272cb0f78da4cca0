// The sessions of a swarm and how many are in which state, by slot: small numbers that the parts
// key what they know of a session with. A state is changed here alone, so that the counts hold.
// Owned by the swarm; bounded by its capacity.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/slab.h"
#include "engine/swarm/session.h"

namespace murder::swarm {

class SessionTable {
 public:
  explicit SessionTable(uint32_t capacity) : sessions_(capacity), by_slot_(capacity) {}

  [[nodiscard]] uint32_t capacity() const { return sessions_.capacity(); }
  [[nodiscard]] uint32_t size() const { return sessions_.size(); }
  [[nodiscard]] bool full() const { return sessions_.full(); }

  // nullptr when it is gone.
  [[nodiscard]] Session* get(SessionId id) { return sessions_.get(id); }
  [[nodiscard]] const Session* get(SessionId id) const { return sessions_.get(id); }
  // The live session in a slot; none when it is free.
  [[nodiscard]] SessionId at_slot(uint32_t slot) const { return by_slot_[slot]; }
  [[nodiscard]] const std::vector<SessionId>& by_slot() const { return by_slot_; }
  // Calls visit(id, session) for each, in the order of slots; it may end or free any.
  template <typename Visit>
  void each(Visit&& visit) {
    sessions_.each(visit);
  }
  template <typename Visit>
  void each(Visit&& visit) const {
    const_cast<Slab<Session>&>(sessions_).each(
        [&](SessionId id, Session& session) { visit(id, std::as_const(session)); });
  }

  // It is dialing when it is outgoing, else handshaking. The table must not be full.
  SessionId make(const Endpoint& remote, bool outgoing, Instant now, uint32_t piece_count);
  void dialed(Session& session);
  void opened(Session& session);
  // It speaks grants from here on.
  void uses_grants(Session& session);
  void closing(Session& session, CloseReason reason);
  // It took a piece that it may give something for.
  void took(Session& session, uint32_t points);
  // A piece of it was right, or it passed one of ours on.
  void gave(Session& session);
  void free(SessionId id);

  // So much went to neighbours that never gave anything that not all of them are newcomers.
  [[nodiscard]] bool has_takers() const { return unreturned_ >= policy::unreturned_max; }
  [[nodiscard]] uint32_t dialing_count() const { return dialing_count_; }
  [[nodiscard]] uint32_t open_count() const { return open_count_; }
  // Open ones that do not speak grants.
  [[nodiscard]] uint32_t stock_count() const { return stock_count_; }

  void fetch_ahead(SessionId id) const { sessions_.fetch_ahead(id); }
  // Which rule that must hold does not; empty when all do. Slow.
  [[nodiscard]] std::string_view check() const;

 private:
  Slab<Session> sessions_;
  std::vector<SessionId> by_slot_;
  uint32_t open_count_ = 0;
  uint32_t dialing_count_ = 0;
  uint32_t stock_count_ = 0;
  uint32_t unreturned_ = 0;  // points of open sessions that gave nothing yet
};

}  // namespace murder::swarm
