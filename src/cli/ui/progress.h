// How far a command is, for people: a bar on a terminal, a line every few seconds elsewhere.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "cli/ui/command.h"
#include "engine/base/instant.h"
#include "engine/host/progress.h"

namespace murder::cli {

// Bytes per second over the last few seconds. Pure.
class RateMeter {
 public:
  // `bytes` is a running total; one that falls starts anew. Returns the rate, 0 until it is known.
  double update(uint64_t bytes, Instant now);

 private:
  static constexpr Duration half_life = std::chrono::seconds(2);

  bool started_ = false;
  uint64_t bytes_ = 0;
  Instant at_{};
  double rate_ = 0;
  double weight_ = 0;  // of what rate_ rests on, 0 .. 1: the start counts in full
};

// "downloading  42% [=====>     ] 420 MiB of 1.0 GiB, 92 MB/s, 6 s left, 12 peers", at most
// `columns` wide: the bar shrinks first, then what stands at the end is cut.
[[nodiscard]] std::string format_progress_bar(const host::Progress& progress,
                                              double bytes_per_second, uint32_t columns);

// The same facts without a bar.
[[nodiscard]] std::string format_progress_line(const host::Progress& progress,
                                               double bytes_per_second);

// Draws on stderr; nothing with --quiet. Lives on one thread; clears its bar when it ends.
class ProgressPrinter {
 public:
  explicit ProgressPrinter(const CommandContext& context);
  ProgressPrinter(const ProgressPrinter&) = delete;
  ProgressPrinter& operator=(const ProgressPrinter&) = delete;
  ~ProgressPrinter() noexcept;

  // May be called as often as one likes; draws now and then.
  void update(const host::Progress& progress);
  // A line of text above the bar.
  void note(std::string_view line);
  void warn(std::string_view line);
  // Takes the bar away. Without a terminal, the last state is printed if it was not yet.
  void clear();

 private:
  void draw_bar(Instant now);
  void print_line(Instant now);
  void erase();

  const CommandContext& context_;
  bool is_terminal_ = false;
  bool is_bar_shown_ = false;
  bool has_news_ = false;
  host::Progress progress_;
  RateMeter meter_;
  double rate_ = 0;
  Instant next_draw_{};
};

}  // namespace murder::cli
