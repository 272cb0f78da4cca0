// Commands that --help does not list: they serve the build and the shells.
//   murder __manual ISO-DATE DIR [PAGE...]   writes the manual into DIR/man1, man5 and man7
//   murder __complete WORD...                what may stand for the last word of `murder WORD...`
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace murder::cli {

// The exit code if it is one of these, and was run.
[[nodiscard]] std::optional<int> run_hidden_command(const std::vector<std::string>& words,
                                                    std::string_view version);

}  // namespace murder::cli
