#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/fleet/plan/fleet_bounds.h"
#include "cli/fleet/plan/node_set.h"

namespace murder::fleet {
namespace {

constexpr std::string_view digits_all = "0123456789";

// Names that are alike but for one number.
struct Alike {
  std::string before;
  std::string behind;
  std::vector<std::string> numbers;  // as written
};

// The next number as it would be written in a range that holds both.
bool follows(const std::string& number, const std::string& next) {
  const uint64_t value = std::stoull(number);
  const bool is_padded = number.size() > 1 && number[0] == '0';
  // "9" and "10" are in one range, "09" and "010" are not; "99" may be padded, so "100" needs
  // the range to have begun unpadded, which the caller sees by the length of its first number.
  return std::stoull(next) == value + 1 &&
         (next.size() == number.size() || (!is_padded && next[0] != '0'));
}

std::string fold_numbers(std::vector<std::string> numbers) {
  std::sort(numbers.begin(), numbers.end(), [](const std::string& one, const std::string& other) {
    return std::pair(one.size(), one) < std::pair(other.size(), other);
  });
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  std::string text;
  for (size_t begin = 0; begin < numbers.size();) {
    const std::string& first = numbers[begin];
    const bool is_padded = first.size() > 1 && first[0] == '0';
    size_t end = begin + 1;
    while (end < numbers.size() && follows(numbers[end - 1], numbers[end]) &&
           (!is_padded || numbers[end].size() == first.size())) {
      ++end;
    }
    text += text.empty() ? "" : ",";
    text += end - begin == 1 ? first : fmt::format("{}-{}", first, numbers[end - 1]);
    begin = end;
  }
  return text;
}

}  // namespace

std::string fold_node_set(std::span<const std::string> names) {
  std::vector<Alike> groups;
  std::map<std::pair<std::string, std::string>, size_t> known;
  for (const std::string& name : names) {
    const size_t last = name.find_last_of(digits_all);
    const size_t before =
        last == std::string::npos ? last : name.find_last_not_of(digits_all, last);
    const size_t first = before == std::string::npos ? 0 : before + 1;
    const bool has_number = last != std::string::npos && last - first < limits::node_digits_max;
    Alike alike{.before = has_number ? name.substr(0, first) : name};
    if (has_number) {
      alike.behind = name.substr(last + 1);
    }
    // A name without a number must not meet names that have one.
    const std::pair key(alike.before, has_number ? alike.behind : "\n");
    const auto [place, is_new] = known.emplace(key, groups.size());
    if (is_new) {
      groups.push_back(std::move(alike));
    }
    if (has_number) {
      groups[place->second].numbers.push_back(name.substr(first, last - first + 1));
    }
  }
  std::string text;
  for (const Alike& group : groups) {
    const std::string numbers = fold_numbers(group.numbers);
    const bool is_one = numbers.find_first_not_of(digits_all) == std::string::npos;
    text += text.empty() ? "" : ",";
    text += is_one ? fmt::format("{}{}{}", group.before, numbers, group.behind)
                   : fmt::format("{}[{}]{}", group.before, numbers, group.behind);
  }
  return text;
}

}  // namespace murder::fleet
