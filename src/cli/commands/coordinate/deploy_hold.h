// What a deploy holds on the host of its coordinator: the lock of its app and tag (deploy_locks.h),
// which this process renews, and the process that is its tracker and coordinator.
//
//   taken -> started -> given back
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/coordinate/deploy_place.h"
#include "cli/commands/tracker_start.h"
#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/host/deploy_locks.h"
#include "engine/host/run_directory.h"

namespace murder::cli {

struct HoldOptions {
  std::string tag;
  std::string app;    // the directory of releases, as the deploy was given it
  std::string token;  // names the deploy
  std::string owner;
  std::string origin;    // the process that deploys, as it and its machine know it
  uint16_t port = 8998;  // of the fleet's tracker
  std::vector<std::string> replaced;
  std::vector<std::string> ousted;
  std::string key_lines;  // of the deploy: its fleet key, and the operator's; empty: it has none
  bool has_other_way = false;   // the deploy goes on without this where the port is taken
  bool waits_for_port = false;  // until the coordinator of the one that is replaced has ended
};

class DeployHold {
 public:
  [[nodiscard]] static Result<DeployHold> open(HoldOptions options,
                                               const std::string& run_directory);

  // The deploy has another way, and a tracker has the port that is no deploy's coordinator.
  [[nodiscard]] bool must_leave_port() const;
  [[nodiscard]] Result<host::LockReply> take();
  // As `murder lock` tells it.
  [[nodiscard]] static Json json_of(const host::LockReply& reply, const Json& processes);
  // Those that ran when it was taken.
  [[nodiscard]] const Json& processes() const { return processes_; }

  // At the fleet's port, or at any other where that is taken. One of this deploy that runs is
  // used. ErrorCode::exists: it is taken, and the deploy has another way.
  [[nodiscard]] Status start_coordinator();
  // It knows how far a `coordinate` of this deploy before this one has come.
  [[nodiscard]] bool has_state() const { return has_state_; }
  // It is where it was: its agents are there, or come back by themselves.
  [[nodiscard]] bool is_resumed() const { return is_resumed_; }
  // Where its process is gone it is started again with its state, at the same port. An Error: it
  // is gone, and could not be started.
  [[nodiscard]] Status revive_coordinator();
  [[nodiscard]] uint16_t coordinator_port() const { return coordinator_port_; }

  // When it is time to. An Error says who has taken over: it is looked for more often than renewed.
  [[nodiscard]] Status renew_if_due(Instant now);
  // A deploy of the same tag has taken over: what is there of it is its.
  [[nodiscard]] bool is_tag_taken() const { return is_tag_taken_; }

  // The lock, and the coordinator's process unless another deploy uses it as its tracker. Empty:
  // all is done; else what could not be done.
  [[nodiscard]] std::string give_back(const std::string& info_hash);

 private:
  DeployHold(HoldOptions options, host::RunDirectory directory, std::string run_directory)
      : options_(std::move(options)),
        directory_(std::move(directory)),
        run_directory_(std::move(run_directory)) {}

  [[nodiscard]] Result<host::LockReply> keep(bool is_renewal);
  [[nodiscard]] bool is_port_of_a_coordinator() const;
  void await_port();
  [[nodiscard]] std::string stop_own_coordinator() const;
  [[nodiscard]] bool has_own_coordinator() const;
  [[nodiscard]] TrackerStart coordinator_start(uint16_t port) const;
  [[nodiscard]] Status take_started(const Json& started);
  [[nodiscard]] std::vector<std::string> command(std::string_view name) const;

  HoldOptions options_;
  host::RunDirectory directory_;
  std::string run_directory_;  // --run-dir; may be empty
  Json processes_ = Json::array();
  std::optional<DeployPlace> place_;
  bool fleet_port_is_taken_ = false;
  bool has_state_ = false;
  bool is_resumed_ = false;
  uint16_t coordinator_port_ = 0;
  Instant renew_at_{};
  Instant look_at_{};
  bool is_taken_over_ = false;
  bool is_tag_taken_ = false;
};

}  // namespace murder::cli
