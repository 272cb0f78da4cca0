// The name of a rack: hosts of one rack share a switch, and the uplink to the others. It comes from
// peers and files and is shown to people, so it is checked, here.
#pragma once

#include <string_view>

#include "engine/base/bounds.h"
#include "engine/base/result.h"

namespace murder {

// 1 to limits::rack_name_bytes_max ASCII letters, digits and ". _ - : /", no '-' in front (it would
// read as an option).
[[nodiscard]] bool is_rack_name(std::string_view text);

// The same with a text that says what is wrong.
[[nodiscard]] Status validate_rack_name(std::string_view text);

}  // namespace murder
