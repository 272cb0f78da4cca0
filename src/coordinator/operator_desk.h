// Operators who wait: their orders are put into the machine, and answered when what followed is on
// the disk; what they ask to see is shown.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "coordinator/carry_out.h"
#include "coordinator/turn_loop.h"
#include "engine/http/connection_list.h"
#include "engine/http/server.h"
#include "engine/io/timers.h"

namespace murder::coordinator {

// On the thread of the server. Bounded by limits::operator_requests_max, of which some places are
// for orders alone, and one address has some of the others at most: who looks keeps nobody from
// giving orders. What is asked for several times is shown once, to all who wait for it. Who waits
// too long is told why, `set_failure()` being the reason why nothing is carried out.
class OperatorDesk {
 public:
  OperatorDesk(io::Reactor& reactor, http::Server& server, const CopySource& copies,
               const FactsSource& facts);
  OperatorDesk(const OperatorDesk&) = delete;
  OperatorDesk& operator=(const OperatorDesk&) = delete;

  [[nodiscard]] bool has_room(const WaitingRequest& request) const;
  void add(WaitingRequest request);
  // Orders all, and of what is only read as much as the thread has time for.
  Inputs put_in(control::Coordinator& machine, control::Moment moment);
  // What was put in is on the disk.
  void settled();
  // It is not, and never will be; also what waits is told so.
  void refuse_all(const http::Response& response);
  // For those who wait too long.
  void set_failure(std::string text) { failure_ = std::move(text); }
  // Called when what waits may be put in by now.
  void set_waker(Callback<void()> wake) { wake_ = wake; }

 private:
  struct Held {
    std::vector<uint64_t> tickets;
    http::Response response;
    bool is_order = false;
  };
  using Waiting = std::deque<WaitingRequest>;

  [[nodiscard]] uint32_t held_count(bool is_order) const;
  void show_next(control::Coordinator& machine, control::Moment moment);
  void remove_read(Waiting::iterator read);
  void answer_late(Waiting& waiting, Instant now);
  void on_check(io::Timer& timer);

  io::Reactor& reactor_;
  http::Server& server_;
  const CopySource& copies_;
  const FactsSource& facts_;
  Waiting orders_;
  Waiting reads_;
  http::SourceCounts read_sources_;
  std::vector<Held> held_;  // carried out; the answers
  Instant reads_not_before_{};
  std::string failure_;
  Callback<void()> wake_;
  io::Timer timer_;
};

}  // namespace murder::coordinator
