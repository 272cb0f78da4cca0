// The side of a deploy that has the release: it is packed, put where it is served from, and served.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/fleet/local_torrent.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/private_directory.h"
#include "cli/fleet/steps.h"
#include "cli/fleet/work.h"
#include "cli/ui/tree_options.h"

namespace murder::fleet {

// For how many hosts the pieces of a release are cut: the peers of the inventory.
[[nodiscard]] uint32_t hosts_expected_in(const Inventory& inventory);

// `murder create` of SOURCE on a host, over what is there of that tag.
[[nodiscard]] std::string create_command(const Work& work, const std::string& source,
                                         const std::string& tag, const std::string& temp_path,
                                         uint32_t hosts_expected, bool no_sync, bool tells_sha256,
                                         const cli::PackingOptions& packing);

// A Work whose one host is this machine, reached through sh; `directory` gets a link to this
// program.
[[nodiscard]] Result<std::unique_ptr<Work>> work_on_this_machine(Work& work,
                                                                 const std::string& directory);

// Hosts on which nothing of this tag runs yet; the others are noted as failures.
[[nodiscard]] std::vector<HostIndex> check_idle(Work& work, std::span<const HostIndex> seeders,
                                                const std::string& tag);
// What a host is told that serves a release in the background.
struct SeedCommand {
  const PackedRelease& release;
  std::string_view tag;
  std::string_view directory;  // of the archive
  LinkLimits limits;
  bool no_sync = false;       // its host does not wait for its disk
  bool ends_another = false;  // a seeder of that tag that runs there
  bool receives = false;      // the archive comes on standard input, and the torrent in the command
                              // if it is small; else nothing is served yet, and nothing printed
  bool torrent_follows = false;   // the torrent, too, with a key in front of it
  bool has_key = false;           // it must not be in a command
  bool ends_with_deploy = false;  // whose lock is on its host
  bool keeps_archive = false;     // when it ends with it
};
[[nodiscard]] std::string seeding_command(const Work& work, HostIndex host,
                                          const SeedCommand& command);

// An archive of that size is there soon: it and the torrent are sent in one.
inline constexpr uint64_t archive_soon_there_bytes = 16 * 1024 * 1024;

struct SeederInput {
  std::string torrent;           // with the deploy's key, if it has one, in front of it
  bool torrent_follows = false;  // behind the archive
};
// What a seeder's host is given on standard input. `archive`, if it is open, is what is sent
// before; it gets the torrent behind it where a key must not be in a command.
[[nodiscard]] Result<SeederInput> seeder_input_of(const PackedRelease& release,
                                                  std::string_view key, io::Fd& archive);

inline constexpr Duration seeder_contact_timeout = std::chrono::seconds(20);
inline constexpr Duration seeder_look_interval = std::chrono::milliseconds(500);

// Whether a tracker knows the seeder, by what it printed at its start or by its status.
struct SeederContact {
  bool is_known = false;
  std::string trouble;
};
[[nodiscard]] SeederContact contact_of(const Json& told);
[[nodiscard]] std::string seeder_status_command(const Work& work, const std::string& tag);

// Serves DIRECTORY/NAME in the background on each, with the key of the deploy if it has one; those
// on which it runs and a tracker has answered it are returned. `touched` gets those on which it may
// run.
[[nodiscard]] std::vector<HostIndex> start_seeders(
    Work& work, std::span<const HostIndex> seeders, const PackedRelease& release,
    const std::string& tag, const std::string& directory, const LinkLimits& limits,
    std::vector<HostIndex>& touched, std::string_view key = {});

}  // namespace murder::fleet
