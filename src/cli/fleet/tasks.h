// What the files of tasks share.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/fleet/task_options.h"
#include "cli/fleet/work.h"

namespace murder::fleet {

[[nodiscard]] Result<std::unique_ptr<Work>> open_work(const FleetOptions& options,
                                                      cli::CommandContext& context,
                                                      const std::string& title);
[[nodiscard]] std::string temp_path_of(const Work& work, const TaskOptions& options);
// Each host once, in the order of the inventory.
[[nodiscard]] std::vector<HostIndex> hosts_of_roles(const Inventory& inventory,
                                                    std::span<const Role> roles);
[[nodiscard]] Json names_of(const Inventory& inventory, std::span<const HostIndex> hosts);
// "TASK: done on 3 of 4 hosts", the table of the others, and the exit code.
[[nodiscard]] int finish_task(Work& work, const std::string& task, std::span<const HostIndex> hosts,
                              std::span<const HostIndex> done, Json json);
// TEMP/TAG*.torrent of this machine.
void remove_local_torrents(const std::string& temp_path, const std::string& tag);

}  // namespace murder::fleet
