// Takes apart the output of a process that reaches many hosts (clush without -b): each line begins
// with "ADDRESS: ". The hosts' exit statuses are in it as well: the launcher lets each command end
// with a line of exit_mark on stdout, and clush tells on stderr whom ssh could not reach.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cli/fleet/reach/tail.h"

namespace murder::fleet {

inline constexpr std::string_view exit_mark = "murder-exit-status ";

// The command with that line at its end, for a POSIX shell. Its own exit status is 0 then, so
// what clush tells of others is ssh's.
[[nodiscard]] std::string with_exit_mark(std::string_view command);

class LabelledOutput {
 public:
  struct Part {
    Tail output;
    Tail log;
    int exit_code = -1;  // -1: not told
    bool is_timed_out = false;
  };

  LabelledOutput(std::span<const std::string> addresses, size_t output_bytes_max,
                 size_t log_bytes_max);

  void take_output(std::string_view text) { take(text, output_line_, false); }
  void take_log(std::string_view text) { take(text, log_line_, true); }
  // At the end: lines without a newline count as well.
  void finish();

  // In the order of the addresses.
  [[nodiscard]] Part& part(size_t index) { return parts_[index]; }
  // What the process said of itself and of nobody else.
  [[nodiscard]] Tail& own_log() { return own_log_; }

 private:
  // A longer line is cut into several.
  static constexpr size_t line_bytes_max = 64 * 1024;

  void take(std::string_view text, std::string& line, bool is_log);
  void take_line(std::string_view line, bool is_log);
  // "clush: ADDRESSES: exited with exit code N", "clush: ADDRESSES: command timeout".
  bool take_verdict(std::string_view line);

  std::unordered_map<std::string, size_t> index_of_;
  std::vector<Part> parts_;
  Tail own_log_;
  std::string output_line_;
  std::string log_line_;
};

}  // namespace murder::fleet
