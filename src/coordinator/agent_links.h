// The connections of all agents.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/agent_link.h"
#include "coordinator/turn_loop.h"
#include "engine/io/readable_set.h"
#include "engine/io/timers.h"

namespace murder::coordinator {

struct AgentLinksOptions {
  uint32_t links_max = 0;
  std::string coordinator_name;
  trust::Approvals* approvals = nullptr;  // of operators; nullptr: none are wanted
  HostKeys* host_keys = nullptr;          // nullptr: hosts need not be proven by them
};

struct AgentLinksCounters {
  uint64_t connections = 0;
  uint64_t reports = 0;  // also those that say that nothing is new
  uint64_t told = 0;
  uint64_t crowded = 0;  // closed, since all together held too much
  uint64_t evicted = 0;  // closed, to make room for another
};

class AgentLinksOwner {
 public:
  virtual void reports_wait() = 0;
  virtual void wants_telling(control::AgentIndex agent) = 0;
  // The place of a connection is free again.
  virtual void link_ended() = 0;

 protected:
  ~AgentLinksOwner() = default;
};

// On the thread of its reactor. Bounded by links_max: when all places are taken, a new link gets
// that of one whose agent has not reported, the oldest first, those of the address with the most
// links before others; else the latest of the address that has the most by far. What they hold by
// limits::agent_held_bytes_max: beyond it the link that holds the most is closed. Of several links
// of one agent the latest counts, and the others are closed. Ends with close_all(); the destructor
// closes and turns the reactor until nothing is in flight.
class AgentLinks final : public AgentLinkOwner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<AgentLinks>> create(io::Reactor& reactor,
                                                                  AgentLinksOwner& owner,
                                                                  const AgentLinksOptions& options);
  AgentLinks(const AgentLinks&) = delete;
  AgentLinks& operator=(const AgentLinks&) = delete;
  ~AgentLinks();

  // Whether one from this address may come; may close another one for it.
  [[nodiscard]] bool make_room(const IpAddress& address);
  // There must be room. `early`: what came behind the request. `proven`: of a closed fleet, the
  // agent's hello and the key by which it was made. Error: no randomness.
  struct Proven {
    trust::Secret key;
    std::string_view hello;
  };
  [[nodiscard]] Status adopt(http::TakenSocket socket, const Endpoint& remote,
                             std::span<const uint8_t> early, const std::optional<Proven>& proven);

  // Has some of what waits heard.
  Inputs put_in(control::Coordinator& machine, control::Moment moment);
  void tell(const control::Coordinator& machine, control::AgentIndex agent);
  // The machine is another one, which knows no agent by the numbers of the last.
  void machine_changed();
  // Those that a machine has heard.
  void refuse_known(std::string_view why);
  void refuse_all(std::string_view why);
  void close_all();
  // The deploy is over: agents that were started for one are told, now and when they come.
  void end_once(control::Ended ended);
  // Those that are connected.
  [[nodiscard]] uint32_t once_count();

  // Of an agent that is connected; nullptr: it is not.
  [[nodiscard]] const control::Facts* facts_of(control::AgentIndex agent) const;
  [[nodiscard]] uint32_t count() const { return links_.size(); }
  [[nodiscard]] const AgentLinksCounters& counters() const { return counters_; }

  void became_ready(AgentLink& link) override;
  void named(AgentLink& link) override;
  void closing(AgentLink& link) override;
  void rests(AgentLink& link) override { resting_.push_back(link.handle()); }
  void wants_telling(AgentLink& link) override;
  void ended(AgentLink& link) override;

 private:
  AgentLinks(io::Reactor& reactor, AgentLinksOwner& owner, const AgentLinksOptions& options);
  void on_check(io::Timer& timer);
  void on_readable(const io::ReadableSet::Found& found);
  [[nodiscard]] Duration gather_time();
  void make_room_for_held();
  [[nodiscard]] bool has_room() const { return open_count_ < links_max_ && !links_.full(); }
  [[nodiscard]] AgentLink* unproven_to_go(http::SourceCounts::Bucket comes) const;
  void evict_proven(http::SourceCounts::Bucket comes);

  io::Reactor& reactor_;
  AgentLinksOwner& owner_;
  const std::string coordinator_name_;
  std::vector<uint8_t> receive_buffer_;
  const uint32_t links_max_;
  uint32_t open_count_ = 0;  // not closing
  uint64_t held_bytes_ = 0;
  http::SourceCounts sources_;
  http::ConnectionList unproven_;
  Instant evict_not_before_{};  // one whose agent has reported
  AgentLinkShared shared_;
  Slab<AgentLink> links_;
  std::deque<AgentLinkHandle> ready_;
  std::vector<AgentLinkHandle> resting_;  // until the next second
  uint32_t check_count_ = 0;
  std::vector<AgentLinkHandle> link_of_agent_;  // by AgentIndex
  AgentLinksCounters counters_;
  std::optional<control::Ended> ended_;  // the deploy is over
  io::Timer check_timer_;
  Instant lively_until_{};
  std::unique_ptr<io::ReadableSet> readable_;  // the links' sockets
};

}  // namespace murder::coordinator
