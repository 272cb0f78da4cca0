#include "cli/fleet/reach/session_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/fleet/plan/shell_words.h"
#include "engine/trust/base64.h"

namespace murder::fleet {
namespace {

// A shell reads its lines byte by byte.
constexpr size_t input_bytes_max = 8192;
constexpr size_t command_bytes_max = 16 * 1024;
constexpr size_t number_bytes_max = 4;

}  // namespace

std::string session_command(std::string_view first, std::string_view mark) {
  // What a shell says at its start is not taken for a command: the first one is not read.
  const std::string tell = fmt::format("s=$?; echo; echo {0}$s; echo {0}$s >&2", mark);
  return "sh -c " +
         quote_word(fmt::format("({}) </dev/null; {}; while IFS= read -r c; do "
                                "[ -n \"$c\" ] || continue; (eval \"$c\") </dev/null; {}; done",
                                first, tell, tell));
}

std::string session_line(std::string_view command, std::string_view input) {
  if (input.empty()) {
    return std::string(command) + "\n";
  }
  return fmt::format("echo {} | base64 -d | {}\n", trust::encode_base64(input), command);
}

bool fits_session(std::string_view command, std::string_view input) {
  return command.size() <= command_bytes_max && input.size() <= input_bytes_max &&
         command.find('\n') == std::string_view::npos;
}

SessionMarks::SessionMarks(std::string mark) : mark_(std::move(mark)) {}

void SessionMarks::take(Stream& stream, std::string_view part) const {
  const size_t line_bytes_max = mark_.size() + number_bytes_max;
  while (!part.empty()) {
    const size_t end = std::min(part.find('\n'), part.size());
    const size_t room = line_bytes_max - std::min(stream.line.size(), line_bytes_max);
    stream.line += part.substr(0, std::min(end, room));
    if (end == part.size()) {
      return;
    }
    if (stream.line.starts_with(mark_)) {
      int code = -1;
      const char* const line_end = stream.line.data() + stream.line.size();
      const auto [rest, error] = std::from_chars(stream.line.data() + mark_.size(), line_end, code);
      if (error == std::errc{} && rest == line_end) {
        stream.exit_code = code;
      }
    }
    stream.line.clear();
    part.remove_prefix(end + 1);
  }
}

std::optional<int> SessionMarks::exit_code() const {
  return log_.exit_code ? output_.exit_code : std::nullopt;
}

void SessionMarks::begin() {
  output_ = {};
  log_ = {};
}

}  // namespace murder::fleet
