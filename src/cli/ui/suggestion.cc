#include "cli/ui/suggestion.h"

#include <algorithm>

namespace murder::cli {
namespace {

// Optimal string alignment distance.
size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::vector<size_t>> cost(left.size() + 1, std::vector<size_t>(right.size() + 1));
  for (size_t row = 0; row <= left.size(); ++row) {
    for (size_t column = 0; column <= right.size(); ++column) {
      if (row == 0 || column == 0) {
        cost[row][column] = row + column;
        continue;
      }
      const size_t differs = left[row - 1] == right[column - 1] ? 0 : 1;
      cost[row][column] = std::min({cost[row - 1][column] + 1, cost[row][column - 1] + 1,
                                    cost[row - 1][column - 1] + differs});
      if (row > 1 && column > 1 && left[row - 1] == right[column - 2] &&
          left[row - 2] == right[column - 1]) {
        cost[row][column] = std::min(cost[row][column], cost[row - 2][column - 2] + 1);
      }
    }
  }
  return cost[left.size()][right.size()];
}

}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  constexpr size_t word_bytes_max = 32;  // the table is quadratic; no command is that long
  if (word.size() > word_bytes_max) {
    return {};
  }
  std::string best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const bool is_start = word.size() >= 2 && candidate.starts_with(word);
    const size_t distance = is_start ? 1 : edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace murder::cli
