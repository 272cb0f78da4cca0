#include "cli/fleet/plan/host_state.h"

#include <fmt/format.h>

#include <numeric>

namespace murder::fleet {

std::string_view host_state_name(HostState state) {
  switch (state) {
    case HostState::connecting:
      return "connecting";
    case HostState::waiting:
      return "waiting";
    case HostState::fetching:
      return "fetching";
    case HostState::unpacking:
      return "unpacking";
    case HostState::ready:
      return "ready";
    case HostState::active:
      return "active";
    case HostState::failed:
      return "failed";
  }
  return "?";
}

HostState state_of_phase(std::string_view phase) {
  return phase == "unpacking" || phase == "copying" ? HostState::unpacking : HostState::fetching;
}

StateCounts count_states(std::span<const HostState> states) {
  StateCounts counts{};
  for (const HostState state : states) {
    ++counts[static_cast<size_t>(state)];
  }
  return counts;
}

uint32_t count_of(const StateCounts& counts, HostState state) {
  return counts[static_cast<size_t>(state)];
}

std::string text_of(const StateCounts& counts) {
  const uint32_t all = std::accumulate(counts.begin(), counts.end(), 0U);
  std::string text = fmt::format("{} host{}", all, all == 1 ? "" : "s");
  std::string_view separator = ": ";
  for (size_t index = 0; index < counts.size(); ++index) {
    if (counts[index] > 0) {
      text += fmt::format("{}{} {}", separator, counts[index],
                          host_state_name(static_cast<HostState>(index)));
      separator = ", ";
    }
  }
  return text;
}

}  // namespace murder::fleet
