// Whether bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most
// U+10FFFF).
#pragma once

#include <cstddef>
#include <string_view>

namespace murder {

[[nodiscard]] bool is_utf8(std::string_view text);

struct Utf8Step {
  size_t bytes = 0;  // at least 1
  bool is_valid = false;
};
// The character that the text, which is not empty, begins with; or how many bytes cannot be part of
// one, so that what is behind them may be.
[[nodiscard]] Utf8Step next_utf8(std::string_view text);

}  // namespace murder
