// A deploy that goes on without this machine: `murder coordinate` on the host of the seeder decides
// and follows, an agent on each host does.
//
//   pack ----------------------------+
//   hosts: connect, distribute ---+--+-> an agent on each -> fetch -> activate -> all end
//   coordinate (lock, tracker) ---+
//
// What this process does after the agents were started is to tell what coordinate tells. When it
// ends early, the rollout goes on, unless it is attached.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet/arrival.h"
#include "cli/fleet/deploy_options.h"
#include "cli/fleet/deploy_run.h"
#include "cli/fleet/deploy_state.h"
#include "cli/fleet/packing_stage.h"
#include "cli/fleet/plan/deploy_decisions.h"
#include "cli/fleet/private_directory.h"
#include "cli/fleet/rollout/agent_channels.h"
#include "cli/fleet/rollout/agent_starts.h"
#include "cli/fleet/rollout/deploy_orders.h"
#include "cli/fleet/rollout/lost_coordinators.h"
#include "cli/fleet/rollout/rollout_following.h"
#include "cli/fleet/seeding.h"
#include "engine/archive/observer.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

class RolloutDeployment final : private RunObserver {
 public:
  // `before`: of the last deploy of this tag, for --retry-failed.
  RolloutDeployment(Work& work, const DeployOptions& options, std::optional<DeployState> before);

  // `hosts`: the peers that are to get it now.
  [[nodiscard]] DeployOutcome run(std::span<const HostIndex> hosts);

 private:
  void retrying(const HostResult& result, Duration wait) override;
  void output(HostIndex host, std::string_view part) override;
  void finished_of(const JobKind& kind, HostResult& result) override;
  void tick() override;

  [[nodiscard]] Status start(std::span<const HostIndex> hosts);
  [[nodiscard]] Status bring();
  [[nodiscard]] Status advance();
  [[nodiscard]] Status take_packed();
  [[nodiscard]] Status choose_host();
  void ask_coordinator();
  void take_coordinator(const HostResult& result);
  void take_busy(const Json& holder, bool is_lost);
  [[nodiscard]] Status serve();
  [[nodiscard]] Status name_tracker();
  void check_orders_of(HostIndex host);
  [[nodiscard]] bool may_need_orders() const;
  [[nodiscard]] Status make_orders();
  void sign_undo();
  [[nodiscard]] int wake_fd() const;
  [[nodiscard]] Status prepare_seeder_input();
  void take_seeder(const HostResult& result);
  [[nodiscard]] bool return_to(const HostResult& lost);
  void begin_again();
  void watch_silence();
  void clean_lost();
  void send_order();
  void start_agents();
  void tell_coordinator();
  void leave_unreached();
  void add_earlier_hosts();
  [[nodiscard]] bool activates() const;
  [[nodiscard]] uint32_t peer_count() const;
  [[nodiscard]] uint32_t hosts_needed() const;
  void take_interrupt();
  void begin_end();
  [[nodiscard]] bool lacks_lost_hosts_alone() const;
  [[nodiscard]] bool is_lost_now(HostIndex host) const;
  void ask_what_to_do();
  void say(const Json& message);
  void end();
  void end_coordinator();
  void end_seeder();
  [[nodiscard]] std::string why_unsettled(HostIndex host) const;
  void fill_outcome();

  Work& work_;
  const DeployOptions& options_;
  std::optional<DeployState> before_;
  // Of it: they have the release, and it is to become current there with that of the others.
  std::vector<HostIndex> earlier_;
  std::optional<PrivateDirectory> directory_;
  archive::CancelFlag ending_;  // of what is under way, once is_end_told_
  DeployRun run_;
  Arrival arrival_;
  PackingStage packing_;
  RolloutFollowing following_;
  AgentStarts agents_;
  AgentChannels channels_;
  JobKind coordinate_kind_;
  JobKind send_kind_;
  JobKind seed_kind_;
  JobKind clean_kind_;
  std::optional<PackedRelease> release_;  // with the tracker, once that is known
  io::Fd archive_;
  SeederInput seeder_input_;
  std::string coordinator_keys_;  // of the deploy, as the coordinator gets them; empty: none
  std::unique_ptr<DeployOrders> making_orders_;
  uint64_t last_order_serial_ = 0;
  Json orders_;                    // signed; null: none are needed, or not yet made
  std::optional<HostIndex> host_;  // of coordinator and seeder
  LostCoordinators lost_;
  Instant heard_at_{};       // of coordinate
  Json leased_;              // what coordinate told of lock and processes
  std::string coordinator_;  // "10.0.0.1:8998", once it answers
  std::vector<std::string> replaced_;
  std::vector<std::string> ousted_;
  bool awaits_port_ = false;  // the coordinator of a deploy that was replaced ends first
  bool asks_again_ = false;
  bool is_asked_ = false;     // a coordinate is at work
  bool has_tracker_ = false;  // release_ names it
  bool has_order_ = false;    // coordinate was told of the release
  bool has_seeder_ = false;   // it has answered
  bool is_serving_ = false;   // a seeder was started
  bool is_settled_told_ = false;
  bool is_asking_ = false;  // what ^C means
  bool is_left_ = false;    // the rollout goes on without this command
  bool is_end_told_ = false;
  std::vector<bool> missing_told_;
  Status trouble_;
  DeployOutcome outcome_;
};

}  // namespace murder::fleet
