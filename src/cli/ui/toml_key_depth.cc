#include "cli/ui/toml_key_depth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace murder::cli {

namespace {

constexpr uint32_t key_dots_max = 16;

// Where the string that begins at `at` with `quote` ends: behind its last quote, or where the text
// does. A string of one line ends with the line, so what is malformed hides nothing.
size_t behind_string(std::string_view text, size_t at, char quote) {
  const std::string_view three(quote == '"' ? "\"\"\"" : "'''");
  const bool is_multi_line = text.substr(at).starts_with(three);
  at += is_multi_line ? three.size() : 1;
  while (at < text.size()) {
    if (quote == '"' && text[at] == '\\') {
      at += 2;
    } else if (is_multi_line && text.substr(at).starts_with(three)) {
      return at + three.size();
    } else if (!is_multi_line && (text[at] == quote || text[at] == '\n')) {
      return at + (text[at] == quote ? 1 : 0);
    } else {
      ++at;
    }
  }
  return text.size();
}

}  // namespace

Status check_toml_key_depth(std::string_view text, const std::string& path) {
  uint32_t dots = 0;
  for (size_t at = 0; at < text.size();) {
    const char character = text[at];
    if (character == '"' || character == '\'') {
      at = behind_string(text, at, character);
      continue;
    }
    if (character == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if (std::string_view("=,[]{}\n").find(character) != std::string_view::npos) {
      dots = 0;
    }
    if (character == '.' && ++dots > key_dots_max) {
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n');
      return fail(ErrorCode::invalid_input,
                  fmt::format("{}:{}: a key has more than {} parts", path, line, key_dots_max + 1));
    }
    ++at;
  }
  return {};
}

}  // namespace murder::cli
