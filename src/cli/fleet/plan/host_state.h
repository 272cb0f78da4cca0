// Where a host is on its way to a release: in one state at a time, counted once. Pure.
//
//   connecting -> waiting -> fetching -> unpacking -> ready -> active
//   any but ready and active -> failed
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace murder::fleet {

enum class HostState : uint8_t {
  connecting,  // not reached yet, or without this program
  waiting,     // for a release that is still packed or sent to the seeder
  fetching,
  unpacking,
  ready,   // the release is in its place
  active,  // ... and current
  failed,
};
inline constexpr size_t host_state_count = 7;

[[nodiscard]] std::string_view host_state_name(HostState state);

// Of a peer, by the phase that it tells (ProcessStatus::phase).
[[nodiscard]] HostState state_of_phase(std::string_view phase);

using StateCounts = std::array<uint32_t, host_state_count>;

[[nodiscard]] StateCounts count_states(std::span<const HostState> states);
[[nodiscard]] uint32_t count_of(const StateCounts& counts, HostState state);
// "120 hosts: 3 fetching, 2 unpacking, 115 ready"
[[nodiscard]] std::string text_of(const StateCounts& counts);

}  // namespace murder::fleet
