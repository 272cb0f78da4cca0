// Hosts that are done over time, drawn for a terminal and as an SVG picture. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/instant.h"

namespace murder::cli {

struct ChartInput {
  std::span<const Duration> done_after;  // ascending: when each host was done
  uint32_t host_count = 0;
  Duration floor{};
  std::string title;
};

// Lines of at most `columns` characters: a bar for each step of time.
[[nodiscard]] std::vector<std::string> draw_for_terminal(const ChartInput& input, uint32_t columns);

// A whole SVG document.
[[nodiscard]] std::string draw_svg(const ChartInput& input);

}  // namespace murder::cli
