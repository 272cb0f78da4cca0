// The process that fetches and serves one copy of a release: `murder peer` in the background, with
// everything it has in one directory. Blocks, as all here.
#pragma once

#include <string>
#include <vector>

#include "coordinator/copy_state.h"
#include "engine/base/result.h"

namespace murder::coordinator {

struct CopyProgram {
  std::string program;                 // the path of murder
  std::vector<std::string> arguments;  // further ones of `peer`
};

// DIRECTORY/release.torrent, DIRECTORY/run (its control socket), and the archive.
[[nodiscard]] std::string copy_torrent_path(const std::string& directory);

// Starts one; DIRECTORY and the torrent are there. Returns when it has begun. Errors: with its last
// words.
[[nodiscard]] Status start_copy(const CopyProgram& program, const std::string& directory);

// Whether the one that was started last was started with other arguments.
[[nodiscard]] bool has_other_arguments(const CopyProgram& program, const std::string& directory);

struct CopyLook {
  bool is_running = false;
  CopyState state;
};
// Also one that an earlier coordinator started.
[[nodiscard]] CopyLook look_at_copy(const std::string& directory);

// Ends what runs there.
void stop_copy(const std::string& directory);

}  // namespace murder::coordinator
