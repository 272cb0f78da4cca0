// What came of a command on one host, and whether to try again. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/fleet/plan/inventory.h"
#include "engine/base/instant.h"

namespace murder::fleet {

enum class Outcome : uint8_t {
  ok,           // exit status 0
  failed,       // the command ran there and said no
  unreachable,  // the host was not reached, or the connection was lost
  timed_out,    // the command took longer than it may; it may still run there
  interrupted,  // ^C while it ran; it may still run there
  not_started,  // ^C before its turn, or the launcher itself could not be started
};

[[nodiscard]] std::string_view outcome_name(Outcome outcome);  // "ok", "failed", "unreachable", ...

struct HostResult {
  HostIndex host;
  Outcome outcome = Outcome::not_started;
  int exit_code = -1;     // of the command there; -1 when there is none
  uint32_t attempts = 0;  // connections that were tried
  std::string stage;      // RunOptions::stage
  std::string reason;     // one line for a person; empty when ok
  std::string output;     // the end of stdout, at most RunOptions::output_bytes_max
  std::string log_tail;   // the end of stderr, at most RunOptions::log_bytes_max
  bool output_is_cut = false;
  Duration elapsed{};  // of the last attempt

  [[nodiscard]] bool is_ok() const { return outcome == Outcome::ok; }
};

// Around what a command writes there, on both streams (framed_command.h).
inline constexpr std::string_view frame_begin_mark = "--murder-begins--";
inline constexpr std::string_view frame_end_mark = "--murder-ends--";

// How one attempt ended, as the runner saw it.
struct AttemptEnd {
  int exit_code = -1;  // of the launched process; -1 when a signal ended it
  int signal = 0;
  bool is_timed_out = false;
  bool is_stopped = false;
};

// Fills outcome, exit_code and reason from how the attempt ended and from log_tail. Exit status 255
// is ssh's own (ssh(1), EXIT STATUS): the host was not reached.
void judge_attempt(const AttemptEnd& end, HostResult& result);

// Whether an unreachable host may be reached when tried again: not when its key or ours is refused
// or its name does not exist.
[[nodiscard]] bool is_worth_retrying(const HostResult& result);

// The line of a log that says most: the last one that is not empty, without what ssh says about
// closed connections behind it.
[[nodiscard]] std::string reason_line(std::string_view log);

}  // namespace murder::fleet
