// Agents of a deploy whose hosts do not reach the coordinator's port. Each is started once more, to
// speak by standard input and output of its ssh session; `murder relay --channels`, in a further
// session with the coordinator's host, connects to the coordinator there. What passes here between
// these sessions is bytes: agent and coordinator prove the key to each other.
//
//   of a host: open() -> its session, or its channel, ends -> opened again, or failed
//
// A session that is lost, of a host or of the relay, is opened again some times: the agent there is
// started once more, and continues what the one before had begun.
//
// One thread, which look()s now and then; a thread of its own passes the bytes on.
#pragma once

#include <deque>
#include <map>
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

  struct Opening {
    HostIndex host;
    HostIndex coordinator_host;
    AgentPlace place;
    std::string why;  // the host does not reach it
  };
  // A host for which it cannot be opened is failed.
  void open(const Opening& opening);
  // A host whose channel or session has ended, and could not be opened again, is failed, if it is
  // not done. `is_ending`: the deploy is, and nothing is opened any more.
  void look(bool is_ending);
  [[nodiscard]] const std::vector<HostIndex>& hosts() const { return hosts_; }
  // For people: which hosts these are, and what that means. Empty: none.
  [[nodiscard]] std::string text() const;
  // Ends what runs here; the agents' leases run out.
  void stop();
  // The coordinator is lost, and so are all channels: their agents are to be started again.
  void forget();

 private:
  struct Channel {
    Opening opening;
    std::unique_ptr<PassedSession> session;
    std::string trouble;   // why it has ended, if not by itself
    Instant trouble_at{};  // first
    bool is_over = false;
  };

  struct Again {
    Opening opening;
    Instant due{};
  };

  struct Tries {
    uint32_t count = 0;   // openings again, of late
    Instant opened_at{};  // last
  };

  [[nodiscard]] Status try_to_open(const Opening& opening);
  [[nodiscard]] bool open_again(const Opening& opening);
  void relay_again(const std::string& reason);
  void open_due();
  void look_at_relay();
  void look_at_sessions();
  void end_relay();
  [[nodiscard]] Status start_relay(HostIndex host, const std::string& coordinator);
  static void note_trouble(Channel& channel, const std::string& reason);
  void fail_hosts();

  DeployRun& run_;
  std::string coordinator_;
  std::unique_ptr<PassedSession> relay_;
  std::vector<HostIndex> hosts_;
  std::map<uint32_t, Tries> tries_;  // of the hosts
  std::vector<Again> again_;
  bool is_stopped_ = false;
  bool is_ending_ = false;
  std::deque<Channel> channels_;  // their numbers are from 1 on
  std::unique_ptr<ChannelPump> pump_;
  std::thread thread_;  // last: it uses the pump
};

}  // namespace murder::fleet
