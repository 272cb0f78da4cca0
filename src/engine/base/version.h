// The version of this program: meson.build has it, and nothing else in the sources.
#pragma once

#include <string_view>

namespace murder {

// "1.2.3", as `murder --version` prints it.
[[nodiscard]] std::string_view program_version();
// "murder/1.2.3", as in a torrent.
[[nodiscard]] std::string_view program_name_and_version();

}  // namespace murder
