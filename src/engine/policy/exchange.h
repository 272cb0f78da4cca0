// Whether a neighbour only takes. All peers of a deploy want everybody to finish, so nobody trades
// piece for piece, and a host may take several times what it gives; but one that gives nothing at
// all must not take the place of those that pass pieces on. What shows it is what it gave us; to a
// seeder, which lacks nothing, whether pieces that only it was given turn up at others. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace murder::policy {

// What a piece counts that a neighbour took. A seeder is there to give, and sees only of the pieces
// that it gave out first whether they are passed on.
inline constexpr uint32_t points_of_peer = 4;
inline constexpr uint32_t points_of_seeder = 2;

struct Exchange {
  uint32_t took_points = 0;    // it, from us
  uint32_t gave_pieces = 0;    // right ones that it took part in, or passed on of ours
  uint32_t first_copies = 0;   // pieces that it had of us before any other neighbour
  uint32_t spread_copies = 0;  // of them, that another neighbour has by now
};

// Points of neighbours that gave nothing yet: from here on they are not newcomers only. A swarm of
// honest hosts stays below it: the first piece of each comes back soon.
inline constexpr uint32_t unreturned_max = 64;

// `is_strict`: as much as unreturned_max was given for nothing.
[[nodiscard]] inline bool only_takes(const Exchange& exchange, bool is_strict) {
  constexpr uint32_t free_points = 4;
  constexpr uint64_t points_for_each_given = 16;
  constexpr uint32_t free_copies = 2;
  const uint64_t may_take = free_points + points_for_each_given * exchange.gave_pieces;
  const uint32_t unspread =
      exchange.first_copies - std::min(exchange.first_copies, exchange.spread_copies);
  return (is_strict && exchange.took_points >= may_take) ||
         unspread >= std::max(free_copies, exchange.spread_copies + 1);
}

}  // namespace murder::policy
