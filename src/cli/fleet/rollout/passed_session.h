// A command on a host that lasts as long as a deploy, and whose standard input and output somebody
// else reads and writes: bytes, not lines. What it writes to standard error tells why it ended.
//
// One thread; the streams may be another's. Its destructor kills what is still there.
#pragma once

#include <optional>
#include <string>

#include "cli/fleet/plan/host_result.h"
#include "cli/fleet/reach/tail.h"
#include "cli/fleet/rollout/channel_pump.h"
#include "cli/fleet/work.h"
#include "engine/host/child_process.h"

namespace murder::fleet {

class PassedSession {
 public:
  // Through the launcher's shared connection with that host, if it has one.
  [[nodiscard]] static Result<PassedSession> start(Work& work, HostIndex host,
                                                   std::string_view stage,
                                                   const std::string& command);

  // Its output, framed (frame_front.h), and its input. Once.
  [[nodiscard]] StreamEnds take_streams() { return std::move(streams_); }
  // What came of it, once.
  [[nodiscard]] std::optional<HostResult> look(Work& work);

 private:
  PassedSession(host::ChildProcess child, HostResult result, StreamEnds streams);

  host::ChildProcess child_;
  HostResult result_;
  StreamEnds streams_;
  Tail log_;
  bool has_ended_ = false;
};

// What came of one whose output is not there: as from its streams, before it is unframed.
void judge_passed(const AttemptEnd& end, Tail& log, HostResult& result);

}  // namespace murder::fleet
