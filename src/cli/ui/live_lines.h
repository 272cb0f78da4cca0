// Some lines at the bottom of a terminal that are drawn anew in place; on anything else a line now
// and then. On stderr, so that the result stays apart. One thread; clears its lines when it ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ui/command.h"
#include "engine/base/instant.h"

namespace murder::cli {

[[nodiscard]] bool is_capable_terminal();  // stderr
[[nodiscard]] uint32_t terminal_columns();

// As many of the lines as there are rows, each cut at `columns` characters.
[[nodiscard]] std::string fit_lines(std::span<const std::string> lines, uint32_t columns,
                                    size_t rows);

enum class FirstDraw : uint8_t { at_once, after_a_while };  // what is over soon draws nothing

class LiveLines {
 public:
  explicit LiveLines(const CommandContext& context, FirstDraw first = FirstDraw::at_once);
  LiveLines(const LiveLines&) = delete;
  LiveLines& operator=(const LiveLines&) = delete;
  ~LiveLines() noexcept;

  // Whether it is time to draw: a caller need not make what would not be shown.
  [[nodiscard]] bool wants_update(Instant now) const;
  // `screen`: printable; each is cut at the width of the terminal. `line`: the same in short, shown
  // when it differs from the one before.
  void update(const std::vector<std::string>& screen, const std::string& line, Instant now);
  // A line of text above them.
  void note(std::string_view line);
  void warn(std::string_view line);
  void clear();

  [[nodiscard]] bool is_terminal() const { return is_terminal_; }

 private:
  const CommandContext& context_;
  const bool is_terminal_;
  size_t lines_shown_ = 0;
  std::string last_line_;
  Instant next_draw_{};
};

}  // namespace murder::cli
