// The version of this program, as `murder --version` prints it.
#pragma once

#include <string_view>

namespace murder {

[[nodiscard]] std::string_view program_version();

}  // namespace murder
