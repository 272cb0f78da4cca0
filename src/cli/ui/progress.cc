#include "cli/ui/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>

#include "cli/ui/live_lines.h"
#include "cli/ui/output.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/units.h"

namespace murder::cli {
namespace {

constexpr Duration bar_interval = std::chrono::milliseconds(100);
constexpr Duration progress_line_interval = std::chrono::seconds(5);
constexpr uint32_t bar_columns_min = 5;
constexpr uint32_t bar_columns_max = 40;

uint32_t percent_of(const host::Progress& progress) {
  if (progress.total_bytes == 0) {
    return 0;
  }
  const double share =
      static_cast<double>(progress.done_bytes) / static_cast<double>(progress.total_bytes);
  return static_cast<uint32_t>(std::clamp(share, 0.0, 1.0) * 100);  // 100 only when all is done
}

std::string facts(const host::Progress& progress, double bytes_per_second) {
  std::string text = format_size(progress.done_bytes);
  if (progress.total_bytes > 0) {
    text += " of " + format_size(progress.total_bytes);
  }
  if (progress.peers && *progress.peers == 0 && progress.done_bytes < progress.total_bytes) {
    return text + ", waiting for a peer that has the rest";
  }
  if (bytes_per_second >= 1) {
    text += ", " + format_rate(bytes_per_second);
    if (progress.total_bytes > progress.done_bytes) {
      constexpr double seconds_left_max = 100 * 3600;
      const double left =
          static_cast<double>(progress.total_bytes - progress.done_bytes) / bytes_per_second;
      if (left < seconds_left_max) {
        text += fmt::format(", {} left",
                            format_duration(std::chrono::seconds(std::llround(std::ceil(left)))));
      }
    }
  }
  if (progress.peers) {
    text += fmt::format(", {} peer{}", *progress.peers, *progress.peers == 1 ? "" : "s");
  }
  return text;
}

}  // namespace

double RateMeter::update(uint64_t bytes, Instant now) {
  if (!started_ || bytes < bytes_) {
    *this = RateMeter{};
    started_ = true;
    bytes_ = bytes;
    at_ = now;
    return 0;
  }
  const double seconds = seconds_of(now - at_);
  if (seconds < 0.05) {
    return rate_;  // too short to say anything; the bytes count at the next call
  }
  const double sample = static_cast<double>(bytes - bytes_) / seconds;
  const double kept = std::exp2(-seconds / seconds_of(half_life));
  const double weight = weight_ * kept + (1 - kept);
  rate_ = (rate_ * weight_ * kept + sample * (1 - kept)) / weight;
  weight_ = weight;
  bytes_ = bytes;
  at_ = now;
  return rate_;
}

std::string format_progress_bar(const host::Progress& progress, double bytes_per_second,
                                uint32_t columns) {
  const std::string tail = facts(progress, bytes_per_second);
  std::string line = progress.phase;
  if (progress.total_bytes > 0) {
    line += fmt::format(" {:3}% ", percent_of(progress));
    const size_t taken = line.size() + tail.size() + 3;  // brackets and a space
    if (taken + bar_columns_min <= columns) {
      const size_t width = std::min<size_t>(columns - taken, bar_columns_max);
      const size_t filled = width * percent_of(progress) / 100;
      std::string bar(filled, '=');
      if (filled < width) {
        bar += '>';
      }
      bar.resize(width, ' ');
      line += fmt::format("[{}] ", bar);
    }
  } else {
    line += "  ";
  }
  line += tail;
  if (line.size() > columns) {
    line.resize(columns);
  }
  return line;
}

std::string format_progress_line(const host::Progress& progress, double bytes_per_second) {
  if (progress.total_bytes == 0) {
    return fmt::format("{}: {}", progress.phase, facts(progress, bytes_per_second));
  }
  return fmt::format("{}: {}%, {}", progress.phase, percent_of(progress),
                     facts(progress, bytes_per_second));
}

ProgressPrinter::ProgressPrinter(const CommandContext& context)
    : context_(context), is_terminal_(is_capable_terminal()) {
  next_draw_ = monotonic_now() + (is_terminal_ ? bar_interval : progress_line_interval);
}

ProgressPrinter::~ProgressPrinter() noexcept {
  try {
    clear();
  } catch (const std::exception&) {  // no memory for its last line
  }
}

void ProgressPrinter::update(const host::Progress& progress) {
  if (context_.quiet) {
    return;
  }
  const Instant now = monotonic_now();
  if (progress.phase != progress_.phase) {
    if (!is_terminal_ && has_news_) {
      print_line(now);  // how the phase before ended
    }
    meter_ = RateMeter{};
  }
  has_news_ = has_news_ || progress != progress_;
  progress_ = progress;
  rate_ = meter_.update(progress.done_bytes, now);
  if (now < next_draw_) {
    return;
  }
  if (is_terminal_) {
    draw_bar(now);
  } else if (has_news_) {
    print_line(now);
  }
}

void ProgressPrinter::note(std::string_view line) {
  erase();
  context_.note(line);
}

void ProgressPrinter::warn(std::string_view line) {
  erase();
  context_.warn(line);
}

void ProgressPrinter::clear() {
  erase();
  if (!is_terminal_ && has_news_ && !context_.quiet) {
    print_line(monotonic_now());
  }
  has_news_ = false;
}

void ProgressPrinter::draw_bar(Instant now) {
  // The last column stays free: some terminals wrap when it is written to.
  const uint32_t columns = std::max(terminal_columns(), 2U) - 1;
  print_message(fmt::format("\r{}\x1b[K", format_progress_bar(progress_, rate_, columns)));
  is_bar_shown_ = true;
  has_news_ = false;
  next_draw_ = now + bar_interval;
}

void ProgressPrinter::print_line(Instant now) {
  context_.note(format_progress_line(progress_, rate_));
  has_news_ = false;
  next_draw_ = now + progress_line_interval;
}

void ProgressPrinter::erase() {
  if (is_bar_shown_) {
    print_message("\r\x1b[K");
    is_bar_shown_ = false;
    next_draw_ = Instant{};  // it may come back at once
  }
}

}  // namespace murder::cli
