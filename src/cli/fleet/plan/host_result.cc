#include "cli/fleet/plan/host_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace murder::fleet {
namespace {

constexpr int exit_of_ssh = 255;
constexpr size_t reason_bytes_max = 400;

// What ssh writes whatever happened before.
constexpr std::array<std::string_view, 6> closing_words = {
    "Connection to ", "Shared connection to ", "Killed by signal ",
    "mux_client_",    "Warning: Permanently ", "** ",
};

// Failures that another attempt does not fix.
constexpr std::array<std::string_view, 9> permanent_words = {
    "Permission denied (",
    "Host key verification failed",
    "Too many authentication failures",
    "Name or service not known",
    "No address associated with hostname",
    "Bad configuration option",
    "Bad owner or permissions",
    "Can't open user config file",
    "no matching ",  // "... host key type found", "... cipher found"
};

constexpr std::string_view refused_host_key = "Host key verification failed";

std::string or_else(const std::string& text, const std::string& fallback) {
  return text.empty() ? fallback : text;
}

// The rest of the line behind these words; empty: no line has them in front.
std::string_view line_behind(std::string_view log, std::string_view words) {
  const size_t found = log.find(words);
  if (found == std::string_view::npos || (found > 0 && log[found - 1] != '\n')) {
    return {};
  }
  const std::string_view rest = log.substr(found + words.size());
  return rest.substr(0, rest.find_first_of("\r\n"));
}

// ssh's last line says the same of a key that it does not know and of one that has changed.
std::string reason_of_unreached(std::string_view log) {
  std::string line = reason_line(log);
  if (!line.starts_with(refused_host_key)) {
    return line;
  }
  if (log.find("IDENTIFICATION HAS CHANGED") != std::string_view::npos) {
    const std::string_view noted = line_behind(log, "Offending ");
    return fmt::format("{}: it is another one than before{}", refused_host_key,
                       noted.empty() ? "" : fmt::format(" ({})", noted.substr(0, 200)));
  }
  return fmt::format("{}: it is not known here (ssh to that host by hand shows and keeps it)",
                     refused_host_key);
}

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::failed:
      return "failed";
    case Outcome::unreachable:
      return "unreachable";
    case Outcome::timed_out:
      return "timed out";
    case Outcome::interrupted:
      return "interrupted";
    case Outcome::not_started:
      return "not started";
  }
  return "?";
}

std::string reason_line(std::string_view log) {
  std::string closing;
  while (!log.empty()) {
    const size_t start = log.find_last_of("\r\n");
    const size_t begin = start == std::string_view::npos ? 0 : start + 1;
    const std::string_view line = log.substr(begin);
    log = log.substr(0, begin == 0 ? 0 : begin - 1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || line == frame_begin_mark ||
        line == frame_end_mark) {
      continue;
    }
    const bool is_closing =
        std::any_of(closing_words.begin(), closing_words.end(),
                    [line](std::string_view words) { return line.starts_with(words); });
    // What is behind an error of wrong usage says nothing of it.
    const bool is_hint =
        line.starts_with("`") && line.find(" --help` lists ") != std::string_view::npos;
    // "Connection to HOST timed out" says why; "Connection to HOST closed" does not.
    if (!is_hint && (!is_closing || line.find(" timed out") != std::string_view::npos)) {
      return std::string(line.substr(0, reason_bytes_max));
    }
    if (closing.empty()) {
      closing = line.substr(0, reason_bytes_max);
    }
  }
  return closing;
}

void judge_attempt(const AttemptEnd& end, HostResult& result) {
  result.exit_code = -1;
  result.reason.clear();
  if (end.is_stopped) {
    result.outcome = Outcome::interrupted;
    result.reason = "stopped while it ran; it may still run there";
  } else if (end.is_timed_out) {
    result.outcome = Outcome::timed_out;
    result.reason = "no end within the command timeout; it may still run there";
    if (const std::string line = reason_line(result.log_tail); !line.empty()) {
      result.reason += fmt::format(" (it said: {})", line);
    }
  } else if (end.exit_code < 0) {
    result.outcome = Outcome::unreachable;
    result.reason = or_else(reason_line(result.log_tail),
                            fmt::format("the launcher was ended by signal {}", end.signal));
  } else if (end.exit_code == 0) {
    result.outcome = Outcome::ok;
    result.exit_code = 0;
  } else if (end.exit_code == exit_of_ssh) {
    result.outcome = Outcome::unreachable;
    result.reason =
        or_else(reason_of_unreached(result.log_tail), "the connection failed or was lost");
  } else {
    result.outcome = Outcome::failed;
    result.exit_code = end.exit_code;
    result.reason =
        or_else(reason_line(result.log_tail), fmt::format("exit status {}", end.exit_code));
  }
}

bool is_worth_retrying(const HostResult& result) {
  return result.outcome == Outcome::unreachable &&
         std::none_of(permanent_words.begin(), permanent_words.end(),
                      [&result](std::string_view words) {
                        return result.log_tail.find(words) != std::string::npos;
                      });
}

}  // namespace murder::fleet
