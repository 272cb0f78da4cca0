// A release comes to the peers: each is told to fetch it in the background, the tracker is watched,
// and each is asked how it ended. Commands on hosts are short, so that --forks bounds connections
// here and not the number of hosts that download at the same time.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "cli/fleet/peering_options.h"
#include "cli/fleet/plan/deploy_decisions.h"
#include "cli/fleet/steps.h"
#include "cli/fleet/tracker_feed.h"
#include "cli/fleet/work.h"

namespace murder::fleet {

struct PeeringResult {
  std::vector<HostIndex> done;     // the release is in its place there
  std::vector<HostIndex> already;  // of these: it was there before
  std::vector<HostIndex> touched;  // where something may run or lie now
};

// What peers warn of is mostly the same on all hosts: it is told once, with their number.
class PeerWarnings {
 public:
  void note(const Json& outcome);
  void tell(Work& work) const;

 private:
  std::map<std::string, uint32_t> counts_;
};

// `murder peer` on a host, for what it tells in JSON. `follows`: until the release is in its place.
[[nodiscard]] std::string peer_command(const Work& work, const Host& host,
                                       const PeeringOptions& options, bool follows);
// Of the error of a peer.
[[nodiscard]] bool is_in_the_way(const Json& told);
// Whether it told that this release is in its place.
[[nodiscard]] bool tells_done(const Json& outcome, const InfoHash& info_hash);
// Why there is no release, by what a peer told last and how its command ended.
[[nodiscard]] HostFailure peer_failure(const Work& work, const HostResult& result,
                                       const Json& outcome, const std::string& tag);

// With what the tracker told last, for hosts that are asked later (is_time_to_ask).
[[nodiscard]] AskState ask_state_of(const TrackerFeed::Latest& latest, AskState state);

// Failures are noted in `work`. Returns when every host has ended, at the timeout or at ^C; what
// still fetches then goes on until it is stopped.
[[nodiscard]] PeeringResult run_peering(Work& work, std::span<const HostIndex> hosts,
                                        const PeeringOptions& options, const LocalTorrent& torrent);

}  // namespace murder::fleet
