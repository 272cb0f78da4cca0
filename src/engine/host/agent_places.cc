#include "engine/host/agent_places.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "engine/host/bounds.h"

namespace murder::host {
namespace {

constexpr std::string_view agent_name = "agent";
constexpr std::string_view once_agent_prefix = "agent-";

// At most limits::agent_places_listed_max names, sorted.
std::vector<std::string> directories_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator() &&
         names.size() < limits::agent_places_listed_max;
       entry.increment(error)) {
    std::error_code unknown;
    if (entry->symlink_status(unknown).type() == std::filesystem::file_type::directory) {
      names.push_back(entry->path().filename().string());
    }
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::vector<RunDirectory> run_directories_of_agents(const RunDirectory& directory) {
  std::vector<RunDirectory> found;
  for (const std::string& agent : directories_in(directory.path())) {
    if (agent != agent_name && !agent.starts_with(once_agent_prefix)) {
      continue;
    }
    const std::string apps = fmt::format("{}/{}/apps", directory.path(), agent);
    for (const std::string& app : directories_in(apps)) {
      Result<RunDirectory> run = RunDirectory::open_existing(fmt::format("{}/{}/run", apps, app));
      if (run && found.size() < limits::agent_places_listed_max) {
        found.push_back(std::move(*run));
      }
    }
  }
  return found;
}

std::vector<RunDirectory> with_agents(RunDirectory directory) {
  std::vector<RunDirectory> all = run_directories_of_agents(directory);
  all.insert(all.begin(), std::move(directory));
  return all;
}

}  // namespace murder::host
