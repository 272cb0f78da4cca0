// The commands by which an agent works on its host: this program, with words of the configuration,
// names that were checked, and paths that the agent made. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_options.h"
#include "agent/state_directory.h"

namespace murder::agent {

using Words = std::vector<std::string>;

struct CommandPlace {
  std::string program;  // the path of this program
  const AgentOptions& agent;
  const AppOptions& app;
  const AppPlace& place;
};

struct FetchWords {
  std::string torrent;  // the path of its file
  bool allow_older = false;
};
[[nodiscard]] Words fetch_command(const CommandPlace& at, const FetchWords& what);
[[nodiscard]] Words activate_command(const CommandPlace& at, const std::string& tag,
                                     bool is_rollback);
// Removes older releases beyond keep_releases.
[[nodiscard]] Words keep_command(const CommandPlace& at);
[[nodiscard]] Words remove_command(const CommandPlace& at, const std::string& tag);

struct CleanWords {
  std::string tag;
  bool is_file = false;  // the release is one: its archive has its name
  bool stop = false;     // what works on it ends first
  bool keep_partial = false;
};
[[nodiscard]] Words clean_command(const CommandPlace& at, const CleanWords& what);

// What a hook or a health check finds in its environment.
[[nodiscard]] Words hook_environment(const AppOptions& app, std::string_view tag,
                                     std::string_view info_hash);

}  // namespace murder::agent
