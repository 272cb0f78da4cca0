// Agents of a deploy whose hosts do not reach the coordinator's port. Each is started once more, to
// speak by standard input and output of its ssh session; `murder relay --channels`, in a further
// session with the coordinator's host, connects to the coordinator there. What passes here between
// these sessions is bytes: agent and coordinator prove the key to each other.
//
//   of a host: open() -> its session, or its channel, ends
//
// One thread, which look()s now and then; a thread of its own passes the bytes on.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/fleet/deploy_run.h"
#include "cli/fleet/rollout/agent_input.h"
#include "cli/fleet/rollout/channel_pump.h"
#include "cli/fleet/rollout/passed_session.h"

namespace murder::fleet {

class AgentChannels {
 public:
  explicit AgentChannels(DeployRun& run) : run_(run) {}
  AgentChannels(const AgentChannels&) = delete;
  AgentChannels& operator=(const AgentChannels&) = delete;
  ~AgentChannels() { stop(); }

  // Why the agent of a host, which has ended, wants a channel; empty: it does not.
  [[nodiscard]] static std::string reason_to_open(const HostResult& result);

  struct Opening {
    HostIndex host;
    HostIndex coordinator_host;
    AgentPlace place;
    std::string why;  // the host does not reach it
  };
  // A host for which it cannot be opened is failed.
  void open(const Opening& opening);
  // A host whose channel or session has ended is failed, if it is not done.
  void look();
  [[nodiscard]] const std::vector<HostIndex>& hosts() const { return hosts_; }
  // For people: which hosts these are, and what that means. Empty: none.
  [[nodiscard]] std::string text() const;
  // Ends what runs here; the agents' leases run out.
  void stop();
  // The coordinator is lost, and so are all channels: their agents are to be started again.
  void forget();

 private:
  struct Channel {
    HostIndex host;
    std::string why;
    std::unique_ptr<PassedSession> session;
    std::string trouble;   // why it has ended, if not by itself
    Instant trouble_at{};  // first
    bool is_over = false;
  };

  [[nodiscard]] Status try_to_open(const Opening& opening);
  [[nodiscard]] Status start_relay(HostIndex host, const std::string& coordinator);
  static void note_trouble(Channel& channel, const std::string& reason);
  void fail_hosts();

  DeployRun& run_;
  std::string coordinator_;
  std::unique_ptr<PassedSession> relay_;
  std::vector<HostIndex> hosts_;
  bool is_stopped_ = false;
  std::deque<Channel> channels_;  // their numbers are from 1 on
  std::unique_ptr<ChannelPump> pump_;
  std::thread thread_;  // last: it uses the pump
};

}  // namespace murder::fleet
