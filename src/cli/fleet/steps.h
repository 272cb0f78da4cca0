// The steps that tasks and deploys are made of, each on the hosts of a role. Failures are noted in
// the Work; a Result is an Error where nothing can be done on any host.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/fleet/local_torrent.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/work.h"

namespace murder::fleet {

// Of compare_program_command.
[[nodiscard]] bool has_same_program(const HostResult& result);

struct Distribution {
  std::vector<HostIndex> already_current;            // the same build
  std::vector<HostIndex> installed;                  // was sent
  [[nodiscard]] std::vector<HostIndex> all() const;  // in the order of the inventory
};
[[nodiscard]] Result<Distribution> distribute(Work& work, std::span<const HostIndex> hosts);

struct TrackerStart {
  std::vector<HostIndex> started;
  std::vector<HostIndex> ran_already;
};
// On the hosts where none serves the port. Those started end when they were idle for `idle_max`;
// zero: they do not.
[[nodiscard]] TrackerStart start_trackers(Work& work, std::span<const HostIndex> hosts,
                                          Duration idle_max = {});
// What a deploy started on hosts ends by itself after this, should nobody be left to end it.
inline constexpr Duration abandoned_after = std::chrono::minutes(10);
[[nodiscard]] std::string seconds_text(Duration duration);  // "600s", as options take it
// All addresses, IPv6 and IPv4: a host's name may stand for either.
[[nodiscard]] std::string tracker_listen_address(uint16_t port);
[[nodiscard]] std::string start_tracker_command(const Work& work, Duration idle_max);
// Whether one answers at the address that peers use; waits for a moment.
[[nodiscard]] bool tracker_answers(const std::string& announce_url);
// Ends the one that listens on the fleet's port, and no other.
[[nodiscard]] CommandLine stop_tracker_command(const Work& work);

// Base64 is a third longer, and has line ends.
inline constexpr uint32_t torrent_output_bytes_max = 96 * 1024 * 1024;
// What send_torrent_command printed on a host of this name.
[[nodiscard]] Result<LocalTorrent> torrent_in(const HostResult& result, const std::string& host);
// From the first of the seeders that has it.
[[nodiscard]] Result<LocalTorrent> fetch_torrent(Work& work, std::span<const HostIndex> seeders,
                                                 const std::string& temp_path,
                                                 const std::string& tag);

// The last JSON object a command printed; a null value if there is none.
[[nodiscard]] Json json_output(const HostResult& result);

[[nodiscard]] std::string murder_path_of(const Work& work);

}  // namespace murder::fleet
