// What a murder process is that does not answer: it may be stopped (SIGSTOP, a debugger, a frozen
// control group), or hang.
#pragma once

#include "engine/base/json.h"
#include "engine/host/run_directory.h"

namespace murder::host {

// The kind and tag of a peer or seeder in the background, by the log in the run directory that is
// its standard output; an empty object if that says nothing.
[[nodiscard]] Json status_of_silent(const RunDirectory& directory, int pid);

// Whether it is stopped by a signal or traced: it takes no other signal but SIGKILL before it goes
// on.
[[nodiscard]] bool is_stopped(int pid);

}  // namespace murder::host
