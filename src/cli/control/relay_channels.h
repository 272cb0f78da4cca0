// Links of many agents, passed on by one process (`murder relay --channels`): a channel of its
// standard input and output for each (control/channel_mux.h), and relay_link() on a thread for
// each.
#pragma once

#include "engine/base/endpoint.h"
#include "engine/base/fd.h"
#include "engine/base/result.h"

namespace murder::cli {

struct ChannelRelay {
  HostPort coordinator;
  Fd input;
  Fd output;
};

// Blocking, until the input is at its end; nothing runs any more then.
[[nodiscard]] Status relay_channels(ChannelRelay relay);

}  // namespace murder::cli
