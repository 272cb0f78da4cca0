#include "engine/archive/exclude_patterns.h"

#include <algorithm>
#include <optional>

#include "engine/archive/bounds.h"

namespace murder::archive {

namespace {

constexpr std::string_view any_directories = "**";

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) {
      parts.push_back(path.substr(0, slash));
    }
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

// What stands for one byte at the front of a pattern: how long it is, and whether it fits.
struct Single {
  size_t length = 1;
  bool fits = false;
};

// "[...]"; nullopt when nothing closes it, and '[' means itself.
std::optional<Single> match_set(std::string_view pattern, char byte) {
  size_t at = 1;
  const bool is_negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  at += is_negated ? 1 : 0;
  const size_t first = at;
  bool is_in = false;
  while (at < pattern.size() && (pattern[at] != ']' || at == first)) {
    at += pattern[at] == '\\' && at + 1 < pattern.size() ? 1 : 0;
    const auto low = static_cast<unsigned char>(pattern[at]);
    auto high = low;
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      at += 2;
      at += pattern[at] == '\\' && at + 1 < pattern.size() ? 1 : 0;
      high = static_cast<unsigned char>(pattern[at]);
    }
    const auto value = static_cast<unsigned char>(byte);
    is_in = is_in || (low <= value && value <= high);
    ++at;
  }
  if (at >= pattern.size()) {
    return std::nullopt;
  }
  return Single{.length = at + 1, .fits = is_in != is_negated};
}

// The pattern is not empty and does not begin with '*'.
Single match_single(std::string_view pattern, char byte) {
  if (pattern.front() == '?') {
    return {.fits = true};
  }
  if (pattern.front() == '[') {
    if (const std::optional<Single> set = match_set(pattern, byte)) {
      return *set;
    }
  }
  if (pattern.front() == '\\' && pattern.size() > 1) {
    return {.length = 2, .fits = pattern[1] == byte};
  }
  return {.fits = pattern.front() == byte};
}

}  // namespace

bool match_name(std::string_view pattern, std::string_view name) {
  size_t at = 0;
  size_t name_at = 0;
  // The last '*', and the end of what it stands for by now.
  std::optional<size_t> star;
  size_t star_end = 0;
  while (name_at < name.size() || at < pattern.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_end = name_at;
      continue;
    }
    if (at < pattern.size() && name_at < name.size()) {
      const Single single = match_single(pattern.substr(at), name[name_at]);
      if (single.fits) {
        at += single.length;
        ++name_at;
        continue;
      }
    }
    if (!star || star_end >= name.size()) {
      return false;
    }
    name_at = ++star_end;
    at = *star + 1;
  }
  return true;
}

Result<ExcludePatterns> ExcludePatterns::parse(const std::vector<std::string>& patterns) {
  ExcludePatterns made;
  if (patterns.size() > limits::exclude_patterns_max) {
    return fail(ErrorCode::limit, "too many patterns of what to leave out");
  }
  for (const std::string& text : patterns) {
    if (text.starts_with('!')) {
      return fail(ErrorCode::invalid_input,
                  text + ": a pattern cannot take others back; for a name with '!' write \\!");
    }
    const std::vector<std::string_view> parts = parts_of(text);
    Pattern pattern{.directories_only = text.ends_with('/')};
    for (const std::string_view part : parts) {
      if (part == "..") {
        return fail(ErrorCode::invalid_input, text + ": \"..\" leads out of what is packed");
      }
      if (part != ".") {
        pattern.parts.emplace_back(part);
      }
    }
    if (pattern.parts.empty() || text.size() > limits::path_bytes_max) {
      return fail(ErrorCode::invalid_input,
                  "'" + text.substr(0, 100) + "' is not a pattern of names to leave out");
    }
    const bool is_anchored = text.find('/') < text.size() - 1;
    if (!is_anchored) {
      pattern.parts.insert(pattern.parts.begin(), std::string(any_directories));
    }
    made.patterns_.push_back(std::move(pattern));
  }
  return made;
}

bool ExcludePatterns::match(std::string_view path, bool is_directory) const {
  if (patterns_.empty()) {
    return false;
  }
  const std::vector<std::string_view> parts = parts_of(path);
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
    return (is_directory || !pattern.directories_only) && match_parts(pattern.parts, parts);
  });
}

// As match_name(), with "**" for '*'. At the end "**" stands for one part or more: "a/**" is what
// lies in "a", not "a" itself.
bool ExcludePatterns::match_parts(const std::vector<std::string>& pattern,
                                  const std::vector<std::string_view>& path) {
  size_t at = 0;
  size_t path_at = 0;
  std::optional<size_t> star;
  size_t star_end = 0;
  while (path_at < path.size() || at < pattern.size()) {
    if (at < pattern.size() && pattern[at] == any_directories) {
      if (at + 1 == pattern.size()) {
        return path_at < path.size();
      }
      star = at++;
      star_end = path_at;
      continue;
    }
    if (at < pattern.size() && path_at < path.size() && match_name(pattern[at], path[path_at])) {
      ++at;
      ++path_at;
      continue;
    }
    if (!star || star_end >= path.size()) {
      return false;
    }
    path_at = ++star_end;
    at = *star + 1;
  }
  return true;
}

}  // namespace murder::archive
