#include "cli/ui/live_lines.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>

#include "cli/ui/output.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/utf8.h"

namespace murder::cli {
namespace {

constexpr Duration screen_interval = std::chrono::milliseconds(250);
constexpr Duration line_interval = std::chrono::seconds(5);
constexpr uint32_t columns_without_terminal = 80;
constexpr uint32_t rows_kept_free = 1;  // the cursor stands below the lines

// The first `columns` characters.
std::string_view cut_at(std::string_view line, uint32_t columns) {
  size_t end = 0;
  for (uint32_t count = 0; count < columns && end < line.size(); ++count) {
    end += next_utf8(line.substr(end)).bytes;
  }
  return line.substr(0, end);
}

// Lines that scrolled away at the top could not be erased.
size_t rows_max() {
  constexpr size_t rows_without_terminal = 24;
  winsize size{};
  const bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1;
  return (is_known ? size.ws_row : rows_without_terminal) - rows_kept_free;
}

}  // namespace

bool is_capable_terminal() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string(terminal) != "dumb";
}

uint32_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return columns_without_terminal;
  }
  return size.ws_col;
}

std::string fit_lines(std::span<const std::string> lines, uint32_t columns, size_t rows) {
  std::string text;
  for (const std::string& line : lines.first(std::min(lines.size(), rows))) {
    text += cut_at(line, columns);
    text += '\n';
  }
  return text;
}

LiveLines::LiveLines(const CommandContext& context, FirstDraw first)
    : context_(context), is_terminal_(is_capable_terminal()) {
  if (first == FirstDraw::after_a_while) {
    next_draw_ = monotonic_now() + (is_terminal_ ? screen_interval : line_interval);
  }
}

LiveLines::~LiveLines() noexcept {
  try {
    clear();
  } catch (const std::exception&) {  // no memory for it
  }
}

bool LiveLines::wants_update(Instant now) const {
  return !context_.quiet && now >= next_draw_;
}

void LiveLines::update(const std::vector<std::string>& screen, const std::string& line,
                       Instant now) {
  if (!wants_update(now)) {
    return;
  }
  if (!is_terminal_) {
    if (line != last_line_) {
      context_.note(line);
      last_line_ = line;
    }
    next_draw_ = now + line_interval;
    return;
  }
  // The last column stays free: some terminals wrap when it is written to.
  const uint32_t columns = std::max(terminal_columns(), 2U) - 1;
  clear();
  const size_t rows = rows_max();
  print_message(fit_lines(screen, columns, rows));
  lines_shown_ = std::min(screen.size(), rows);
  next_draw_ = now + screen_interval;
}

void LiveLines::note(std::string_view line) {
  clear();
  context_.note(line);
}

void LiveLines::warn(std::string_view line) {
  clear();
  context_.warn(line);
}

void LiveLines::clear() {
  if (lines_shown_ > 0) {
    // To the first column of the first line, then everything below is erased.
    print_message(fmt::format("\x1b[{}A\r\x1b[J", lines_shown_));
    lines_shown_ = 0;
    next_draw_ = Instant{};
  }
}

}  // namespace murder::cli
