// The graph of our own peers: how many neighbours the tracker gives a host, and a host dials.
#pragma once

#include <cstdint>

namespace murder::limits {

// The graph of our own peers, as the tracker builds it by what it hands out. A peer is told of
// `to_dial` others, and others dial it, so that it has twice that on average; where no more than
// that are there, of all. A host that announces fewer than `few` is told of more, and one that is
// known to have `full` is no longer handed out.
struct NeighbourCounts {
  uint32_t to_dial = 0;
  uint32_t few = 0;
  uint32_t full = 0;

  [[nodiscard]] constexpr uint32_t mean() const { return 2 * to_dial; }
};
inline constexpr NeighbourCounts neighbours{.to_dial = 16, .few = 24, .full = 46};
// Where there are few others, half as many do: what a host has is told to each of its neighbours.
// 48 hosts on a rack of namespaces: 2.2 times the floor with the numbers above, 1.65 with these,
// since 31,000 small packets a host became 16,000. Simulated, where packets cost nothing: 1.030 and
// 1.039; 100 hosts with 10 Gbit/s 1.064 and 1.076; 1,000 hosts and 256 MiB 1.16 and 1.70.
inline constexpr uint32_t small_fleet_others_max = 64;
inline constexpr NeighbourCounts neighbours_in_small_fleet{.to_dial = 8, .few = 12, .full = 22};
constexpr bool is_sound(const NeighbourCounts& counts) {
  return counts.to_dial < counts.few && counts.few < counts.mean() &&
         counts.mean() < counts.full;  // late joiners find room
}
static_assert(is_sound(neighbours) && is_sound(neighbours_in_small_fleet));
// In a rack: all mates of one of up to rack_mates_max + 1 hosts, and few from elsewhere.
inline constexpr uint32_t rack_mates_max = 40;
inline constexpr uint32_t rack_mates_to_dial = rack_mates_max / 2;  // of a larger one
inline constexpr uint32_t rack_mates_full = 52;                     // likewise
inline constexpr uint32_t remote_all_max = 8;
inline constexpr uint32_t remote_to_dial = 4;
inline constexpr uint32_t remote_full = 12;
static_assert(remote_all_max == 2 * remote_to_dial && remote_all_max < remote_full);
static_assert(rack_mates_max < rack_mates_full);

}  // namespace murder::limits
