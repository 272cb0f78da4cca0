// Words of a POSIX shell: quoting and splitting. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace murder::fleet {

// One word that a POSIX shell reads back as exactly these bytes (NUL cannot be said).
[[nodiscard]] std::string quote_word(std::string_view word);
// Each word quoted, one space between them.
[[nodiscard]] std::string quote_words(std::span<const std::string> words);

// Splits as a shell would, with '...', "..." and backslashes, but expands nothing.
// Errors: a quote without its end.
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view text);

// Whether a shell would do more with the text than split it ($, `, ~, ;, |, *, ...).
[[nodiscard]] bool needs_shell(std::string_view text);

}  // namespace murder::fleet
