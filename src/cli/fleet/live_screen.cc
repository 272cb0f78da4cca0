#include "cli/fleet/live_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>

#include "engine/base/printable.h"
#include "engine/base/units.h"

namespace murder::fleet {
namespace {

constexpr Duration stale_after = std::chrono::seconds(10);
constexpr size_t slowest_shown_max = 5;
constexpr double seconds_left_max = 100 * 3600;

// Of all the bytes that the hosts in the swarm were to get.
uint32_t percent_of(const SwarmView& swarm) {
  const uint64_t all = swarm.delivered_bytes + swarm.left_bytes;
  return all == 0 ? 0
                  : static_cast<uint32_t>(100.0 * static_cast<double>(swarm.delivered_bytes) /
                                          static_cast<double>(all));
}

std::string hosts_text(const LiveState& state) {
  if (state.counts) {
    return text_of(*state.counts);
  }
  const uint32_t running =
      state.hosts - std::min(state.hosts, state.hosts_done + state.hosts_failed);
  std::string text =
      fmt::format("{} of {} hosts done, {} running", state.hosts_done, state.hosts, running);
  const uint32_t failed = state.hosts_failed + state.failed_before;
  if (failed > 0) {
    text += fmt::format(", {} failed", failed);
  }
  return text;
}

std::string rate_text(const LiveState& state) {
  const SwarmView& swarm = *state.swarm;
  std::string text =
      fmt::format("{}% {}", percent_of(swarm), state.counts ? "fetched" : "delivered");
  // Where nobody fetches, what is left says nothing of the time that is.
  const bool is_moving = !state.counts || count_of(*state.counts, HostState::fetching) > 0;
  if (is_moving && state.bytes_per_second >= 1) {
    text += ", " + format_rate(state.bytes_per_second);
    const double seconds = static_cast<double>(swarm.left_bytes) / state.bytes_per_second;
    if (swarm.left_bytes > 0 && seconds < seconds_left_max) {
      text += fmt::format(", about {} left",
                          format_duration(std::chrono::seconds(std::llround(std::ceil(seconds)))));
    }
  }
  return text;
}

std::string slowest_text(const SwarmView& swarm) {
  std::string text;
  for (size_t index = 0; index < std::min(swarm.slowest.size(), slowest_shown_max); ++index) {
    const SwarmView::Slow& slow = swarm.slowest[index];
    text += fmt::format("{}{} {}%", index == 0 ? "" : ", ", slow.host, slow.percent);
  }
  return text;
}

// A character per tenth: how many hosts have that much, against the fullest tenth.
std::string histogram_text(const LiveState& state) {
  const SwarmView& swarm = *state.swarm;
  constexpr std::string_view levels = " .:-=+*#";
  const uint32_t most =
      *std::max_element(swarm.leechers_by_tenth.begin(), swarm.leechers_by_tenth.end());
  std::string bars;
  for (const uint32_t count : swarm.leechers_by_tenth) {
    size_t level = 0;
    if (count > 0) {
      level = 1 + uint64_t{count} * (levels.size() - 2) / most;
    }
    bars += fmt::format("{0}{0}", levels[level]);
  }
  // The tracker counts the seeder's host as well, and one that unpacks as one that has it.
  return state.counts ? fmt::format("0% [{}] 100%", bars)
                      : fmt::format("0% [{}] 100%  {} fetching, {} have it", bars, swarm.leechers,
                                    swarm.seeders);
}

bool is_stale(const LiveState& state) {
  return !state.swarm || state.swarm_age > stale_after;
}

}  // namespace

std::vector<std::string> format_live_screen(const LiveState& state) {
  std::vector<std::string> lines;
  lines.push_back(
      fmt::format("{}: {}, {}", state.title, state.stage, format_duration(state.elapsed)));
  lines.push_back("  hosts     " + hosts_text(state));
  if (state.swarm) {
    lines.push_back("  progress  " + histogram_text(state));
    lines.push_back("  all       " + rate_text(state));
    if (!state.swarm->slowest.empty()) {
      lines.push_back("  behind    " + slowest_text(*state.swarm));
    }
  }
  if (!state.swarm_trouble.empty() && is_stale(state)) {
    lines.push_back("  tracker   " + state.swarm_trouble +
                    (state.swarm ? " (hosts continue with the peers they know)" : ""));
  }
  for (std::string& line : lines) {
    line = printable_value(line);  // names of hosts are as the tracker tells them
  }
  return lines;
}

std::string format_live_line(const LiveState& state) {
  std::string line = fmt::format("{}: {}", state.stage, hosts_text(state));
  if (state.swarm && !is_stale(state)) {
    line += "; " + rate_text(state);
    if (!state.swarm->slowest.empty()) {
      line += "; behind: " + slowest_text(*state.swarm);
    }
  } else if (!state.swarm_trouble.empty()) {
    line += "; " + state.swarm_trouble;
  }
  return line;
}

}  // namespace murder::fleet
