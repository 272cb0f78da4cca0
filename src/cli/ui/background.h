// Long work in a worker process that outlives the command.
//
// A fork keeps neither threads nor a ring, so the worker is made before either exists, and the
// command in front only follows it over a socket pair:
//
//   front: starts the worker, shows what it tells, ends with its result
//   worker: runs `work`, tells progress, finishes (the front ends), goes on alone, returns
//
// The front ends by a signal: it stops the worker, waits for it, and reports "interrupted". The
// front dies otherwise: the worker sees hangup_fd() become readable and must stop, unless it has
// finished. The worker dies: the front reports how, with the end of its log.
#pragma once

#include <functional>
#include <string>

#include "cli/ui/command.h"
#include "engine/host/front.h"

namespace murder::cli {

enum class RunMode {
  foreground,  // in this process; `work` sees SIGINT and SIGTERM itself
  worker,      // in a worker process that may go on after finish()
};

struct WorkOptions {
  RunMode mode = RunMode::foreground;
  std::string log_name;  // of the worker in the run directory, e.g. "seed-v42"
};

// What `work` returns before it has finished is the result of the command: an error, or an exit
// code without a text. Afterwards only the log tells it.
using Work = std::function<Result<int>(host::Front&)>;

// To be called before any thread or ring exists, with standard input read if it is needed: the
// worker has none, and keeps no descriptor of the caller (ssh would wait for them).
[[nodiscard]] Result<int> run_work(CommandContext& context, const WorkOptions& options,
                                   const Work& work);

}  // namespace murder::cli
