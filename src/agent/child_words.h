// What commands that an agent runs say of their end, in JSON on the last line of their output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace murder::agent {

// Why it failed, for people; empty: it does not say.
[[nodiscard]] std::string error_in(std::string_view line);
// The same of one that failed, whatever it said: `outcome` is how it ended, with the last thing
// that it wrote. `who` for people: "the peer".
[[nodiscard]] std::string failure_of(std::string_view who, std::string_view outcome,
                                     std::string_view last_line);
// It failed since something else lies where the release should go.
[[nodiscard]] bool says_in_the_way(std::string_view line);
// What a fetch that succeeded warns of.
[[nodiscard]] std::vector<std::string> warnings_in(std::string_view line);

}  // namespace murder::agent
