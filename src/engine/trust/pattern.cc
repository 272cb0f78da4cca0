#include "engine/trust/pattern.h"

#include <algorithm>

#include "engine/trust/bounds.h"

namespace murder::trust {

bool matches_pattern(std::string_view text, std::string_view pattern) {
  size_t at = 0;
  size_t wanted = 0;
  // Behind the last '*', and where in the text it stopped standing for anything.
  size_t behind_star = std::string_view::npos;
  size_t star_end = 0;
  while (at < text.size()) {
    if (wanted < pattern.size() && pattern[wanted] == '*') {
      behind_star = ++wanted;
      star_end = at;
    } else if (wanted < pattern.size() && (pattern[wanted] == '?' || pattern[wanted] == text[at])) {
      ++wanted;
      ++at;
    } else if (behind_star != std::string_view::npos) {
      wanted = behind_star;
      at = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', wanted) == std::string_view::npos;
}

bool matches_pattern_list(std::string_view text, std::string_view patterns) {
  bool is_matched = false;
  while (!patterns.empty()) {
    const bool excludes = patterns.front() == '!';
    patterns.remove_prefix(excludes ? 1 : 0);
    const size_t size = std::min(patterns.find(','), patterns.size());
    if (size > limits::pattern_bytes_max) {
      return false;
    }
    if (matches_pattern(text, patterns.substr(0, size))) {
      if (excludes) {
        return false;
      }
      is_matched = true;
    }
    patterns.remove_prefix(std::min(size + 1, patterns.size()));
  }
  return is_matched;
}

}  // namespace murder::trust
