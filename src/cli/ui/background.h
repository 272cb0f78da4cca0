// Long work in a worker process that outlives the command.
//
// A fork keeps neither threads nor a ring, so the worker is made before either exists, and the
// command that started it only follows it over a socket pair:
//
//   parent: starts the worker, shows what it reports, ends with its result
//   worker: runs `work`, reports progress, finishes (the parent ends), continues alone, returns
//
// The parent ends by a signal: it stops the worker, waits for it, and reports "interrupted". The
// parent dies otherwise: the worker sees hangup_fd() become readable and must stop, unless it has
// finished. The worker dies: the parent reports how, with the end of its log.
#pragma once

#include <functional>
#include <string>

#include "cli/ui/command.h"
#include "engine/host/parent.h"

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
// code without a text. Afterwards only the log has it.
using WorkFunction = std::function<Result<int>(host::Parent&)>;

// To be called before any thread or ring exists, with standard input read if it is needed: the
// worker has none, and keeps no descriptor of the caller (ssh would wait for them).
[[nodiscard]] Result<int> run_work(CommandContext& context, const WorkOptions& options,
                                   const WorkFunction& work);

}  // namespace murder::cli
