// The release comes to the hosts of a deploy. While all of them fit into --forks, one command on
// each fetches it and tells how far it is until the end; else a short one begins it, and the hosts
// are asked when the tracker says that few still fetch, when nothing moves, and now and then.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/fleet/arrival.h"
#include "cli/fleet/deploy_run.h"
#include "cli/fleet/peering.h"
#include "cli/fleet/tracker_feed.h"

namespace murder::fleet {

class Fetching {
 public:
  Fetching(DeployRun& run, Arrival& arrival, PeeringOptions options, size_t host_count);

  // The release is a file, and goes to DIR/TAG.
  void set_file(bool is_file) { options_.to_is_directory = is_file; }
  // From now on hosts may begin. Once.
  void open(const LocalTorrent& torrent);
  [[nodiscard]] bool is_open() const { return torrent_ != nullptr; }
  // Hosts that are not to begin yet.
  void hold_while(std::function<bool(HostIndex)> is_held) { is_held_ = std::move(is_held); }
  // Starts hosts that are ready to; asks those that are to be asked; leaves hosts beyond the quorum
  // (`hosts_needed`: 0, if all are waited for) and at the timeout.
  void advance(uint32_t hosts_needed, uint32_t hosts_before);
  bool take(const JobKind& kind, const HostResult& result);
  void take_output(HostIndex host, std::string_view part);
  // What the tracker does not tell when it is not reached from here.
  [[nodiscard]] SwarmView view() const;
  [[nodiscard]] TrackerFeed* feed() { return feed_ ? &*feed_ : nullptr; }
  void tell_warnings() const { warnings_.tell(run_.work); }
  // ^C, or the end for another reason: hosts that have not ended are told as they are.
  void give_up();

 private:
  void begin();
  void ask();
  void end_host(const HostResult& result, const Json& outcome);
  void move_to(HostIndex host, const Json& told);
  void leave_laggards(uint32_t hosts_needed, uint32_t hosts_before);
  void leave(HostIndex host, std::string reason, Outcome outcome);
  [[nodiscard]] bool is_pending(HostIndex host) const;

  DeployRun& run_;
  Arrival& arrival_;
  PeeringOptions options_;
  bool follows_;
  std::function<bool(HostIndex)> is_held_;
  JobKind peer_kind_;
  JobKind wait_kind_;
  const LocalTorrent* torrent_ = nullptr;
  std::string input_;  // of the peers: the key and the torrent
  std::optional<TrackerFeed> feed_;
  std::vector<HostIndex> begun_;        // a peer was asked for
  std::vector<HostIndex> to_be_asked_;  // its command has ended, and it has not
  std::vector<HostIndex> asked_;        // a command asks it now
  Instant opened_at_{};
  Instant asked_at_{};
  Instant moved_at_{};  // of all, as the tracker tells
  uint64_t delivered_bytes_ = 0;
  std::optional<Instant> quorum_at_;
  PeerWarnings warnings_;
};

}  // namespace murder::fleet
