// The same command on the coordinator's host, over ssh.
#pragma once

#include <string>
#include <vector>

#include "cli/control/coordinator_options.h"

namespace murder::cli {

// What to type there of the words of a command line (without the program's name): what says how to
// get there is left out, and the coordinator is named as that host reaches it. Pure.
[[nodiscard]] std::vector<std::string> words_for_there(const std::vector<std::string>& words,
                                                       const codec::ServerPlace& coordinator);

// The line for the shell of the remote user: `murder` of its PATH, else that of /opt/murder. Pure.
[[nodiscard]] std::string line_for_there(const std::vector<std::string>& words);

// Becomes ssh: returns only where that cannot be started. The exit status is that of the command
// there, or 255 when ssh did not get there.
[[nodiscard]] Error run_there(const SshPlace& place, const std::string& ssh_command);

}  // namespace murder::cli
