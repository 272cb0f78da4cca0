#include "cli/fleet/tracker_use.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/host/control.h"
#include "engine/host/processes.h"

namespace murder::fleet {
namespace {

std::string reason_of(const TrackedRelease& release) {
  const std::string& name = release.name.empty() ? release.info_hash : release.name;
  const std::string fetching = release.leechers == 0
                                   ? "it is served"
                                   : fmt::format("{} host{} it", release.leechers,
                                                 release.leechers == 1 ? " fetches" : "s fetch");
  return fmt::format("{} is distributed through it ({})", name, fetching);
}

}  // namespace

const Json* tracker_on(const Json& status, uint16_t port) {
  for (const Json& process : status["processes"]) {
    if (text_member(process, "kind") == host::kind_tracker && host::listens_on(process, port)) {
      return &process;
    }
  }
  return nullptr;
}

std::vector<std::string> served_releases(const Json& status) {
  std::vector<std::string> info_hashes;
  for (const Json& process : status["processes"]) {
    if (text_member(process, "kind") == host::kind_seeder) {
      info_hashes.push_back(text_member(process, "info_hash"));
    }
  }
  return info_hashes;
}

std::vector<TrackedRelease> releases_of(const Json& tracker) {
  std::vector<TrackedRelease> releases;
  for (const Json& swarm : tracker["details"]["swarms"]) {
    const TrackedRelease release{.name = text_member(swarm, "name"),
                                 .info_hash = text_member(swarm, "info_hash"),
                                 .seeders = count_member(swarm, "seeders"),
                                 .leechers = count_member(swarm, "leechers")};
    if (release.seeders + release.leechers > 0) {
      releases.push_back(release);
    }
  }
  return releases;
}

std::string reason_to_keep(const Json& tracker, std::span<const std::string> served) {
  for (const TrackedRelease& release : releases_of(tracker)) {
    const bool is_served =
        std::find(served.begin(), served.end(), release.info_hash) != served.end();
    if (release.leechers > 0 || is_served) {
      return reason_of(release);
    }
  }
  return {};
}

std::string reason_to_keep_after(const Json& tracker, const std::string& deployed_info_hash) {
  for (const TrackedRelease& release : releases_of(tracker)) {
    if (release.info_hash != deployed_info_hash) {
      return reason_of(release);
    }
  }
  return {};
}

}  // namespace murder::fleet
