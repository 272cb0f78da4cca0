// murder wait: how a peer in the background ended, or how far it is.
#include "cli/commands/wait.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/commands/command_list.h"
#include "cli/ui/command.h"
#include "engine/base/units.h"
#include "engine/host/background_peer.h"
#include "engine/host/outcome_watch.h"
#include "engine/host/peer_outcome.h"

namespace murder::cli {
namespace {

// Where the kernel tells nothing of the run directory.
constexpr Duration look_interval = std::chrono::milliseconds(50);
constexpr Duration process_look_interval = std::chrono::seconds(1);

std::string text_of_running(const Json& outcome, const std::string& tag) {
  const uint64_t total = count_member(outcome, "total_bytes");
  const uint64_t done = std::min(count_member(outcome, "done_bytes"), total);
  return fmt::format("the peer of {} is still {}: {} of {}", tag,
                     text_member(outcome, "phase", "at work"), format_size(done),
                     format_size(total));
}

Result<int> report(Json outcome, const host::RunDirectory& directory, const std::string& tag,
                   CommandContext& context) {
  outcome = host::with_place_checked(std::move(outcome));
  const std::string state = text_member(outcome, "state");
  if (state == host::outcome_done) {
    for (const Json& warning : outcome["warnings"]) {
      context.warn(warning.text());
    }
    context.print(text_member(outcome, "text"));
    context.print_json(outcome);
    return exit_done;
  }
  const std::string error = state == host::outcome_running
                                ? text_of_running(outcome, tag)
                                : text_member(outcome["error"], "text", "it failed");
  if (!context.json) {
    return fail(ErrorCode::io, error);
  }
  if (state == host::outcome_failed) {
    outcome["log"] = host::peer_log_tail(directory, tag);
  }
  context.print_json(outcome);
  context.note(fmt::format("murder wait: {}", error));
  return exit_failed;
}

// A line for whoever follows through a pipe.
void tell_progress(const Json& outcome, const CommandContext& context) {
  context.print_json(outcome);
}

}  // namespace

Result<int> wait_for_peer(const WaitOptions& options, CommandContext& context) {
  using Clock = std::chrono::steady_clock;
  const Result<host::RunDirectory> directory =
      host::RunDirectory::open_existing(context.run_directory);
  if (!directory) {
    return fail(directory.error());
  }
  host::OutcomeWatch watch(*directory);
  const Clock::time_point start = Clock::now();
  // The command that follows a peer has just started it.
  Clock::time_point next_process_look =
      options.tells_progress ? start + process_look_interval : start;
  while (true) {
    const Clock::time_point now = Clock::now();
    const bool is_last = options.timeout && now - start >= *options.timeout;
    const bool look_at_process = is_last || now >= next_process_look;
    if (look_at_process) {
      next_process_look = now + process_look_interval;
    }
    const Result<Json> outcome =
        host::look_at_peer(*directory, options.tag, {.asks_process = look_at_process});
    if (!outcome) {
      return fail(outcome.error());
    }
    if (is_last || text_member(*outcome, "state") != host::outcome_running) {
      return report(*outcome, *directory, options.tag, context);
    }
    if (look_at_process && options.tells_progress && outcome->contains("phase")) {
      tell_progress(*outcome, context);
    }
    Duration wait_max = next_process_look - Clock::now();
    if (options.timeout) {
      wait_max = std::min<Duration>(wait_max, *options.timeout - (Clock::now() - start));
    }
    watch.wait(std::max(wait_max, Duration::zero()), look_interval);
  }
}

void add_wait_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<WaitOptions>(
      app, context,
      {.name = "wait",
       .description = "Wait for a peer that was started with --background: exit code 0 when the\n"
                      "release is in its place",
       .details = "Where the peer has ended, the answer is immediate, also after a restart of "
                  "the machine as far as the run directory is still there. With --json, what "
                  "is known of a peer that failed includes the end of its log.",
       .example = "murder peer v42.tar.zst.torrent --to /srv/app --background\n"
                  "murder wait v42 --timeout 10m",
       .exit_statuses = {{"0", "The release is in its place."},
                         {"1",
                          "The peer failed, was killed, or is still at work when --timeout "
                          "is over; standard error says which."},
                         {"2", "The command line is wrong."}},
       .see_also = {"murder-peer(1)", "murder-status(1)", "murder-clean(1)"},
       .has_telling_exit_code = true},
      wait_for_peer);
  command.add_option("TAG", options.tag, "The release").required().completes(ValueKind::waited_tag);
  command.add_duration("--timeout", options.timeout,
                       "Give up waiting after this long (the peer continues); default: never");
}

}  // namespace murder::cli
