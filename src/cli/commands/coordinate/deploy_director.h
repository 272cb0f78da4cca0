// A deploy as its coordinator's host sees it: whoever started it may go. It has the release
// published, rolled out to the hosts' agents and followed to its end, tells how far it is, and ends
// what the deploy started.
//
//   waiting for the release -> under way (the rollout exists) -> ending -> over
//
// Blocking; one thread. It speaks to its own coordinator over the loopback; what it is told and
// tells is one JSON object a line (docs/rollouts.md, "A deploy with a coordinator").
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/coordinate/deploy_hold.h"
#include "cli/commands/coordinate/line_input.h"
#include "cli/control/coordinator_client.h"
#include "cli/fleet/plan/rollout_step.h"
#include "cli/ui/command.h"
#include "cli/ui/stop_signals.h"

namespace murder::cli {

// Whoever started it hears from it at least this often.
inline constexpr Duration alive_told_every = std::chrono::seconds(5);
// A coordinator that does not answer for so long is lost.
inline constexpr Duration coordinator_silent_max = std::chrono::seconds(40);

// What the deploy says when the release is packed.
struct DeployOrder {
  std::string app;      // the name that its agents take
  std::string torrent;  // its bytes
  std::string info_hash;
  std::string coordinator;  // "10.0.0.1:8998", as its agents were told
  Json plan;                // of the rollout
  uint32_t hosts_needed = 0;
  bool leaves_laggards = false;
  bool activates = true;
  bool is_attached = false;  // it ends when whoever started it is gone
  bool path_is_file = false;
  bool keep_temp_files = false;
  Duration timeout{};
  Json orders;  // signed, for hosts that demand them; null: none
};

class DeployDirector {
 public:
  DeployDirector(HoldOptions options, std::string temp_path, DeployHold hold,
                 CoordinatorClient client, LineInput input, CommandContext& context);

  // To the end of the deploy. What came of it was told.
  [[nodiscard]] int run();

 private:
  struct Host {
    fleet::RolloutHost view;
    uint64_t bytes = 0;
    std::string why;              // it failed
    Json facts = Json::object();  // what its agent says beside that: warnings, in_the_way, ...
    bool has_own_reason = false;  // why says what its agent said of the fetch
    bool is_given = false;        // up: it will not come, or was left
    bool is_connected = false;
    Instant gone_since{};
    Json told;  // last
  };

  [[nodiscard]] bool take_input();
  void note_settled();
  [[nodiscard]] Status take_order(const Json& told);
  [[nodiscard]] Status begin();
  [[nodiscard]] Status publish();
  [[nodiscard]] Result<bool> is_under_way();
  void revive(const Error& error);
  [[nodiscard]] bool will_be_taken_up() const;
  [[nodiscard]] bool may_have_rollout();
  void wait();
  void look();
  void take_agent(const Json& agent, Instant now);
  void note_earlier(const std::string& name);
  void take_unsettled(const Json& rollout);
  void note_gone(Instant now);
  [[nodiscard]] Status note_earlier_releases();
  void decide();
  void leave_laggards(const fleet::RolloutView& view);
  [[nodiscard]] fleet::RolloutView view() const;
  [[nodiscard]] Status give_order(std::string_view verb, Json orders = {});
  void set_state(Host& host, fleet::HostState state, uint64_t bytes, Instant now);
  void give_up(Host& host, std::string why);
  void tell_changes();
  void tell_alive();
  void end();
  void end_agents();
  [[nodiscard]] std::string clean_here();
  [[nodiscard]] bool has_failed_hosts() const;

  HoldOptions options_;
  std::string temp_path_;
  DeployHold hold_;
  CoordinatorClient client_;
  CommandContext& context_;
  StopSignals stop_;
  LineInput input_;
  std::optional<DeployOrder> order_;
  std::map<std::string, Host> hosts_;
  std::vector<std::string> earlier_;  // info hashes that hosts run or ran and nobody published
  size_t earlier_noted_ = 0;          // of these, the coordinator knows
  mutable std::vector<fleet::RolloutHost> views_;
  bool has_published_ = false;
  bool has_begun_ = false;
  bool is_settled_ = false;
  bool is_served_ = false;  // the seeder was started
  bool is_over_ = false;
  std::string why_end_;     // it is to end: why
  std::string why_result_;  // what came of it: why
  std::string state_;       // of the rollout
  Json rollout_told_;
  Json rollout_;
  Instant started_at_{};
  Instant settled_at_{};
  Instant answered_at_{};
  Instant ending_since_{};
  Instant look_at_{};
  Instant told_at_{};     // anything at all
  Instant changed_at_{};  // the rollout, or the state of a host
  Instant revive_at_{};
  std::string why_gone_;  // the coordinator, and cannot be started again
};

}  // namespace murder::cli
