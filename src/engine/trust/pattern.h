// Patterns as ssh_config(5) has them: '*' is any number of characters, '?' is one.
#pragma once

#include <string_view>

namespace murder::trust {

// In time of at most one product of both lengths.
[[nodiscard]] bool matches_pattern(std::string_view text, std::string_view pattern);

// Patterns between commas; one that begins with '!' excludes what it matches, wherever it stands.
[[nodiscard]] bool matches_pattern_list(std::string_view text, std::string_view patterns);

}  // namespace murder::trust
