// The side of a deploy that has the release: who is tracker and seeder, that no other deploy is at
// work, a tracker that answers, and a seeder that it knows.
//
//   roles -> locks -> tracker -+-> seeding
//                    release  -+
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet/arrival.h"
#include "cli/fleet/deploy_lease.h"
#include "cli/fleet/deploy_run.h"
#include "cli/fleet/plan/deploy_decisions.h"
#include "cli/fleet/seeding.h"
#include "cli/fleet/torrent_signing.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

class SourceSide {
 public:
  SourceSide(DeployRun& run, const Arrival& arrival, DeployLease& lease);

  // Adds what can be done now. An Error: nothing will be served.
  [[nodiscard]] Status advance();
  bool take(const JobKind& kind, const HostResult& result);

  // What is served, packed here. Once; the torrent names no tracker yet.
  void set_release(PackedRelease release) { packed_ = std::move(release); }
  void set_local_directory(std::string directory) { local_directory_ = std::move(directory); }
  [[nodiscard]] const PackedRelease* release() const { return release_ ? &*release_ : nullptr; }
  [[nodiscard]] bool is_serving() const { return !serving_.empty() || is_serving_here_; }
  // A seeder is being started, and will serve in a moment: the archive is small. Peers that begin
  // now are found by it.
  [[nodiscard]] bool is_about_to_serve() const;
  // Its archive may be on its way to that machine: a peer there would take what lies in its place.
  [[nodiscard]] bool is_starting_on(HostIndex host) const;
  // A command that starts a seeder is at work: cut short, it might start one later.
  [[nodiscard]] bool is_starting() const { return commands_at_work_ > 0; }
  // This machine serves: null, unless it does.
  [[nodiscard]] Work* here() const { return here_.get(); }
  [[nodiscard]] const std::vector<HostIndex>& touched_here() const { return touched_here_; }
  [[nodiscard]] bool is_seeder(HostIndex host) const;

 private:
  [[nodiscard]] Status choose_roles();
  [[nodiscard]] Status ask_for_locks();
  [[nodiscard]] Status have_trackers();
  [[nodiscard]] Status pack_there();
  [[nodiscard]] Status take_signed();
  [[nodiscard]] Status complete_release();
  [[nodiscard]] Status serve();
  [[nodiscard]] Status serve_here();
  [[nodiscard]] bool is_lost(std::span<const HostIndex> hosts) const;
  [[nodiscard]] const std::vector<HostIndex>& lock_hosts() const;
  void lose(HostIndex host, std::string_view stage, std::string reason);
  void lose(const HostResult& result);
  void look_at_seeders();
  void take_tracker(HostIndex host, const LeasedHost& leased, const std::string& url);
  // The same for a deploy with a key.
  void take_key_tracker(HostIndex host, const LeasedHost& leased);
  [[nodiscard]] Status go_without_key();
  [[nodiscard]] Status open_archive();
  [[nodiscard]] Status prepare_input();
  void serve_on(HostIndex host);
  void start_seeder(HostIndex host, bool ends_another);
  void take_sent(const HostResult& result);
  void take_seeder(const HostResult& result);
  void take_created(const HostResult& result);
  void take_torrent(const HostResult& result);
  [[nodiscard]] SeederFound seeder_on(HostIndex host) const;

  DeployRun& run_;
  const Arrival& arrival_;
  DeployLease& lease_;
  JobKind create_kind_;
  JobKind torrent_kind_;
  JobKind send_kind_;
  JobKind seed_kind_;
  JobKind look_kind_;
  // An archive that has arrived long before a peer would give up, whatever the way to the seeder.

  io::Fd archive_;
  std::string local_directory_;

  bool has_roles_ = false;
  std::map<uint32_t, bool> trackers_;  // known of these; true: it runs, and has the key if any
  std::map<uint32_t, std::string> without_key_;  // of these: why they do not take it
  std::vector<HostIndex> packed_there_;
  bool is_packing_there_ = false;
  std::optional<PackedRelease> packed_;
  std::optional<PackedRelease> release_;  // with the trackers
  SeederInput input_;
  bool has_begun_to_serve_ = false;
  std::vector<HostIndex> seeders_starting_;
  std::vector<HostIndex> serving_;
  uint32_t commands_at_work_ = 0;  // of send_kind_ and seed_kind_
  struct Look {
    Instant since;
    Instant next;
  };
  std::map<uint32_t, Look> looks_;  // at seeders that no tracker has answered yet
  std::vector<HostIndex> lost_;     // for a role; perhaps not as a peer
  bool is_serving_here_ = false;
  std::unique_ptr<Work> here_;
  std::vector<HostIndex> touched_here_;
  std::string there_hash_;
  Json there_;  // what was told of it
  std::optional<TorrentSigning> signing_;
};

}  // namespace murder::fleet
