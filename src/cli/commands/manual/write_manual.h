// Writes the manual pages: those of the commands, and those written by hand with their lists filled
// in. For the build.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace murder::cli {

// words: ISO-DATE DIR [PAGE...]. A page is a file whose name ends in its section, "murder.7". What
// an earlier run left of murder's pages in DIR is removed. Returns the exit code.
[[nodiscard]] int run_write_manual(const std::vector<std::string>& words, std::string_view version);

}  // namespace murder::cli
