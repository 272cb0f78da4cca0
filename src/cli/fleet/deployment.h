// One deploy, from a directory to the hosts:
//
//   pack -> distribute-files -> start-tracker -> send-archive -> start-seeding -> peer
//        -> activate -> keep-releases -> cleaning up (in any case)
//
// What it started it stops, what it put into temporary directories it removes, also after an error
// or ^C; what could not be cleaned up is told.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet/deploy_state.h"
#include "cli/fleet/peering.h"
#include "cli/fleet/plan/quorum.h"
#include "cli/fleet/same_machine.h"
#include "cli/fleet/seeding.h"
#include "cli/fleet/work.h"

namespace murder::fleet {

struct DeployOptions {
  std::string source;
  std::string tag;
  std::string destination_path;
  std::string temp_path;
  std::string local_temp_path;
  bool on_seeder = false;     // source is a path there
  bool local_seeder = false;  // this machine serves
  bool no_distribute = false;
  bool no_tag_directory = false;
  bool unsafe_please_delete = false;
  bool keep_temp_files = false;
  bool activate = false;
  bool no_sync = false;          // hosts do not wait for their disks
  std::optional<Quorum> quorum;  // none: all
  std::optional<uint32_t> keep_releases;
  Duration stall_timeout{};
  Duration timeout{};
  LinkLimits limits;  // of each host, the seeder included
  cli::PackingOptions packing;
  cli::PlacingOptions placing;
};

struct DeployOutcome {
  std::vector<HostIndex> done;     // have the release now
  std::vector<HostIndex> already;  // of these: had it before
  std::string info_hash;           // empty when it was not packed
  uint32_t hosts_expected = 0;     // that the piece size was chosen for
  bool is_activated = false;
  std::vector<OtherName> other_names;  // of machines that have another among the hosts
  std::string not_activated;           // why not, though it was asked for
  Status fatal;                        // why nothing went on
};

class Deployment {
 public:
  // `before`: of the last deploy of this tag, for --retry-failed.
  Deployment(Work& work, const DeployOptions& options, std::optional<DeployState> before);

  // `hosts`: the peers that are to get it now.
  [[nodiscard]] DeployOutcome run(std::span<const HostIndex> hosts);

 private:
  [[nodiscard]] Status prepare_and_peer(std::span<const HostIndex> hosts);
  [[nodiscard]] Status pack();
  [[nodiscard]] uint32_t hosts_expected() const;
  [[nodiscard]] Status check_same_release() const;
  [[nodiscard]] Status distribute_program(std::span<const HostIndex> hosts);
  [[nodiscard]] Status have_trackers();
  [[nodiscard]] Status seed();
  void peer();
  void make_current();
  [[nodiscard]] std::vector<HostIndex> hosts_that_have_it() const;
  [[nodiscard]] uint32_t host_count()
      const;  // of the deploy and those before it, each machine once
  [[nodiscard]] Status stopped_by_user() const;
  [[nodiscard]] bool is_file() const { return release_ && release_->torrent.name == options_.tag; }

  void clean_up();
  void clean_hosts(Work& work, std::span<const HostIndex> hosts, const std::string& temp_path);
  void stop_own_trackers();

  Work& work_;
  const DeployOptions& options_;
  std::optional<DeployState> before_;
  std::vector<HostIndex> peers_;  // that may still get it
  std::optional<PrivateDirectory> directory_;
  std::optional<PackedRelease> release_;
  std::unique_ptr<Work> here_;  // for --local-seeder
  std::vector<HostIndex> trackers_started_;
  std::vector<HostIndex> touched_;  // peers and seeders where something may be left
  std::vector<HostIndex> touched_here_;
  DeployOutcome outcome_;
};

}  // namespace murder::fleet
