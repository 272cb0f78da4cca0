// The side of a deploy that has the release: it is packed, put where it is served from, and served.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/private_directory.h"
#include "cli/fleet/steps.h"
#include "cli/fleet/work.h"
#include "cli/tree_options.h"

namespace murder::fleet {

struct PackedRelease {
  LocalTorrent torrent;
  std::string archive_path;  // on this machine; empty when it was packed on the seeder
};

// For how many hosts the pieces of a release are cut: the peers of the inventory.
[[nodiscard]] uint32_t hosts_expected_in(const Inventory& inventory);

// On this machine, into `directory`.
[[nodiscard]] Result<PackedRelease> pack_here(Work& work, const std::string& source,
                                              const std::string& tag, const std::string& directory,
                                              const std::vector<std::string>& tracker_urls,
                                              uint32_t hosts_expected,
                                              const cli::PackingOptions& packing);
// SOURCE is a path on the seeders.
[[nodiscard]] Result<PackedRelease> pack_on_seeders(
    Work& work, const std::string& source, const std::string& tag, const std::string& temp_path,
    std::span<const HostIndex> seeders, const std::vector<std::string>& tracker_urls,
    uint32_t hosts_expected, const cli::PackingOptions& packing);

// A Work whose one host is this machine, reached through sh; `directory` gets a link to this
// program.
[[nodiscard]] Result<std::unique_ptr<Work>> work_on_this_machine(Work& work,
                                                                 const std::string& directory);

// Hosts on which nothing of this tag runs yet; the others are noted as failures.
[[nodiscard]] std::vector<HostIndex> check_idle(Work& work, std::span<const HostIndex> seeders,
                                                const std::string& tag);
// The archive of this machine goes to TEMP/NAME on each.
[[nodiscard]] std::vector<HostIndex> send_archive(Work& work, std::span<const HostIndex> seeders,
                                                  const PackedRelease& release,
                                                  const std::string& temp_path, Duration timeout);
// Serves DIRECTORY/NAME in the background on each; those on which it runs and a tracker has
// answered it are returned. `touched` gets those on which it may run.
[[nodiscard]] std::vector<HostIndex> start_seeders(Work& work, std::span<const HostIndex> seeders,
                                                   const PackedRelease& release,
                                                   const std::string& tag,
                                                   const std::string& directory,
                                                   const LinkLimits& limits,
                                                   std::vector<HostIndex>& touched);

}  // namespace murder::fleet
