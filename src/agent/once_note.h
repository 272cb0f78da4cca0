// What an agent of a deploy notes down of itself in its state directory, for the next one there and
// for commands of this host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/state_directory.h"

namespace murder::agent {

inline constexpr std::string_view once_prefix = "agent-";
inline constexpr const char* once_note_name = "once.json";

struct OnceNote {
  std::vector<std::string> places;  // directories of releases
  std::string temp_path;            // of archives; empty: in the state directory
  std::vector<std::string> coordinators;
};

// Nothing where there is none that can be read.
[[nodiscard]] OnceNote read_once_note(const std::string& state_directory);
// Of the app whose directory below the state directory has that name.
[[nodiscard]] AppPlace once_app_place(const std::string& state_directory,
                                      const std::string& app_directory,
                                      const std::string& temp_path);
// Names of the entries of a directory; none where it is not there.
[[nodiscard]] std::vector<std::string> entries_of_directory(const std::string& path);

// An archive of a release that `murder finish` is about to remove.
struct ArchiveUse {
  std::string tag;
  std::string temp_path;
  std::string token;        // of the deploy that removes it
  std::string coordinator;  // that its agents connect to; empty: any
};

// Whether an agent that is at work fetches that release into that directory, for another deploy or
// for another coordinator of the same one. Blocks.
[[nodiscard]] bool is_archive_in_use(const std::string& run_directory, const ArchiveUse& use);

}  // namespace murder::agent
