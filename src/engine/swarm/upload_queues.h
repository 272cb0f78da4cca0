// Which block is served next, and to whom: to stock clients within their share of the uplink, to
// our own what was granted. Owned by the swarm; nothing allocates after construction.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/policy/slot_set.h"
#include "engine/policy/stock_share.h"
#include "engine/policy/upload_scheduler.h"
#include "engine/swarm/context.h"

namespace murder::swarm {

class UploadQueues {
 public:
  explicit UploadQueues(Context& context);

  // The peer asked for a block, and may have it.
  void add(SessionId id, Session& session, const BlockRange& block, Instant now);
  // It does not want it any more.
  void cancel(SessionId id, Session& session, const BlockRange& block);
  // True: nothing is left to be sent to it, and its place is free.
  bool leave_if_done(SessionId id, Session& session);
  void forget(SessionId id, Session& session);
  // It turned out to be one of our own; what it asked for before is forgotten.
  void becomes_own(SessionId id, const Session& session);
  // Says no. False: it asked too often for what it cannot have.
  [[nodiscard]] bool refuse(SessionId id, Session& session, const BlockRange& block);

  // Serves those who waited for a place, `granted_max` of our own at a time.
  void admit(uint32_t granted_max, Instant now);
  // Sends what the session waits for, as far as it may.
  void serve(SessionId id, Session& session, Instant now);
  // A block has left. True when stock_share_window_ended() is due.
  [[nodiscard]] bool sent(Session& session, uint32_t size_bytes, Instant now);
  void stock_share_window_ended(const policy::StockShare::Rates& rates, Instant now) {
    stock_share_.window_ended(rates, now);
  }
  void check_stalled(SessionId id, const Session& session, Instant now);

  // Our own peers that are served, by slot.
  [[nodiscard]] const policy::UploadScheduler& granted() const { return granted_; }
  // Which rule that must hold does not; empty when all do. Slow.
  [[nodiscard]] std::string_view check() const;

 private:
  [[nodiscard]] policy::UploadScheduler& scheduler_for(const Session& session) {
    return session.grants.in_use ? granted_ : stock_;
  }
  void serve_held_back(Instant now);

  EffectSink& sink_;
  Prng& prng_;
  SessionTable& sessions_;

  policy::UploadScheduler stock_;
  policy::UploadScheduler granted_;
  policy::StockShare stock_share_;  // of the uplink
  policy::SlotSet held_back_;       // stock clients that are served when their share allows
};

}  // namespace murder::swarm
