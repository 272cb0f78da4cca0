// Removes what a release left on this host besides the release itself.
#pragma once

#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/host/run_directory.h"

namespace murder::host {

struct CleanOptions {
  std::string tag;
  std::string temp_path = "/tmp";
  bool path_is_file = false;  // the archive is TEMP/TAG
  bool stop = false;          // seeders and peers of it end first, whatever they do
  bool keep_partial = false;  // what the next attempt can use stays
};

struct Cleaned {
  std::string text;
  Json json;  // "stopped", "removed"
};

// `directory`: null where no process ever ran. Errors: a process is in the way, or stays.
[[nodiscard]] Result<Cleaned> clean_release(const CleanOptions& options,
                                            const RunDirectory* directory);
// Only ends the processes.
[[nodiscard]] Result<Json> end_processes_of(const CleanOptions& options,
                                            const RunDirectory& directory);

}  // namespace murder::host
