// One deploy, from a directory to the hosts. Nothing waits for what it does not need:
//
//   pack ---------------------------+
//   hosts: connect, distribute ---+-+-> peer, as each host is ready -> activate and clean up
//   lock, start-tracker, seed ----+
//
// What it started it stops, what it put into temporary directories it removes, also after an error
// or ^C; what could not be cleaned up is told. Run again it comes to the same: what is done stays,
// and what an earlier attempt left is used or removed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet/arrival.h"
#include "cli/fleet/deploy_lease.h"
#include "cli/fleet/deploy_options.h"
#include "cli/fleet/deploy_run.h"
#include "cli/fleet/deploy_state.h"
#include "cli/fleet/ending.h"
#include "cli/fleet/fetching.h"
#include "cli/fleet/packing_stage.h"
#include "cli/fleet/private_directory.h"
#include "cli/fleet/source_side.h"

namespace murder::fleet {

class Deployment final : private RunObserver {
 public:
  // `before`: of the last deploy of this tag, for --retry-failed.
  Deployment(Work& work, const DeployOptions& options, std::optional<DeployState> before);

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
  [[nodiscard]] Status check_same_release(const std::string& info_hash);
  [[nodiscard]] bool are_peers_settled() const;
  [[nodiscard]] bool is_any_peer_left() const;
  void drain();
  void confirm_lease();
  void end();
  [[nodiscard]] Ending::Plan plan_ending();
  void clean_here();
  void finish();
  [[nodiscard]] bool is_to_be_activated();
  void fill_outcome();
  [[nodiscard]] std::vector<HostIndex> peers_in(HostState state) const;
  [[nodiscard]] uint32_t hosts_in_all() const;

  Work& work_;
  const DeployOptions& options_;
  std::optional<DeployState> before_;
  std::optional<PrivateDirectory> directory_;
  DeployRun run_;
  Arrival arrival_;
  PackingStage packing_;
  DeployLease lease_;
  SourceSide source_;
  Fetching fetching_;
  Ending ending_;
  std::string stage_;  // for the screen
  bool is_checked_ = false;
  DeployOutcome outcome_;
};

}  // namespace murder::fleet
