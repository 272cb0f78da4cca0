// Giving up root: `murder peer --user`.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace murder::host {

// Whom a process runs as, with all of his groups.
struct RunAs {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
  std::string text;  // as it was written
};

// "USER" (with the group he logs in with) or "USER:GROUP", names or numbers. Errors: there is no
// such user or group, a number without a group to log in with, or it is root again.
[[nodiscard]] Result<RunAs> parse_run_as(const std::string& text);

// For good, and no program that is run gives anything back. Before any thread is started: each has
// a separate identity.
[[nodiscard]] Status give_up_root(const RunAs& run_as);

// `mkdir -p`; what had to be made, and nothing else, belongs to this user.
[[nodiscard]] Status make_directories_for(const RunAs& run_as, const std::string& path);

}  // namespace murder::host
