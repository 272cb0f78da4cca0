// How deep the tables of a TOML file nest by dotted keys, looked at before the library reads it.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::cli {

// Fails, naming the line, when a key ("a.b.c") has more parts than any of ours could need. The
// library makes a table within a table of each part, and frees them by recursion: a key of 100,000
// parts overruns the stack. (It bounds arrays and inline tables itself.) `path` is for the text.
[[nodiscard]] Status check_toml_key_depth(std::string_view text, const std::string& path);

}  // namespace murder::cli
