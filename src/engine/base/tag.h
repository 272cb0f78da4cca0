// The name of a release. It becomes part of file names on every host, so it is checked once, here.
#pragma once

#include <string_view>

#include "engine/base/bounds.h"
#include "engine/base/result.h"

namespace murder {

// Not empty, at most limits::tag_bytes_max bytes of UTF-8, no '/', no control characters, not "."
// or "..", no '-' in front (it would read as an option), and not named like murder's own files
// beside releases.
[[nodiscard]] Status validate_tag(std::string_view tag);

}  // namespace murder
