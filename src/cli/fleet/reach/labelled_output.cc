#include "cli/fleet/reach/labelled_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/fleet/plan/node_set.h"
#include "cli/fleet/plan/shell_words.h"

namespace murder::fleet {
namespace {

constexpr std::string_view verdict_mark = "clush: ";
constexpr std::string_view exited_words = ": exited with exit code ";
constexpr std::string_view timeout_words = ": command timeout";

int number_in(std::string_view text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string with_exit_mark(std::string_view command) {
  // The newline in front ends a last line that has none; take_line takes it away again. As one
  // word, since the login shell may be any.
  return "sh -c " + quote_word(fmt::format("({} ); printf '\\n{}%d\\n' $?", command, exit_mark));
}

LabelledOutput::LabelledOutput(std::span<const std::string> addresses, size_t output_bytes_max,
                               size_t log_bytes_max)
    : own_log_(log_bytes_max) {
  for (const std::string& address : addresses) {
    index_of_.emplace(address, parts_.size());
    parts_.push_back({.output = Tail(output_bytes_max), .log = Tail(log_bytes_max)});
  }
}

void LabelledOutput::take(std::string_view text, std::string& line, bool is_log) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    line += text.substr(0, end);
    if (end < text.size() || line.size() > line_bytes_max) {
      take_line(line, is_log);
      line.clear();
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void LabelledOutput::finish() {
  for (std::string* line : {&output_line_, &log_line_}) {
    if (!line->empty()) {
      take_line(*line, line == &log_line_);
      line->clear();
    }
  }
}

void LabelledOutput::take_line(std::string_view line, bool is_log) {
  const size_t end = line.find(": ");
  const auto place = end == std::string_view::npos
                         ? index_of_.end()
                         : index_of_.find(std::string(line.substr(0, end)));
  if (place == index_of_.end()) {
    if (!take_verdict(line)) {
      own_log_.append(line);
      own_log_.append("\n");
    }
    return;
  }
  Part& part = parts_[place->second];
  const std::string_view text = line.substr(end + 2);
  if (!is_log && text.starts_with(exit_mark)) {
    part.exit_code = number_in(text.substr(exit_mark.size()));
    part.output.remove_last();
    return;
  }
  Tail& tail = is_log ? part.log : part.output;
  tail.append(text);
  tail.append("\n");
}

bool LabelledOutput::take_verdict(std::string_view line) {
  const bool is_timeout = line.ends_with(timeout_words);
  const size_t exited = line.rfind(exited_words);
  if (!line.starts_with(verdict_mark) || (!is_timeout && exited == std::string_view::npos)) {
    return false;
  }
  const size_t end = is_timeout ? line.size() - timeout_words.size() : exited;
  std::string_view addresses = line.substr(verdict_mark.size(), end - verdict_mark.size());
  // Several are told as "w[1-3] (3)".
  addresses = addresses.substr(0, addresses.find(' '));
  const auto names = expand_node_set(addresses);
  if (!names) {
    return false;
  }
  for (const std::string& name : *names) {
    const auto place = index_of_.find(name);
    if (place != index_of_.end()) {
      Part& part = parts_[place->second];
      part.is_timed_out = part.is_timed_out || is_timeout;
      part.exit_code = is_timeout ? -1 : number_in(line.substr(exited + exited_words.size()));
    }
  }
  return true;
}

}  // namespace murder::fleet
