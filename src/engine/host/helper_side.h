// What runs in the process that root_helper.h starts.
#pragma once

#include "engine/host/root_helper.h"
#include "engine/io/sockets.h"

namespace murder::host {

// Until the peer is gone.
[[noreturn]] void run_helper(io::Fd socket, const RootHelperOptions& options);

}  // namespace murder::host
