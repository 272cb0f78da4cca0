// The names in an archive, made safe.
#pragma once

#include <string>
#include <string_view>

#include "engine/archive/bounds.h"
#include "engine/base/result.h"

namespace murder::archive {

// "./a//b/" becomes "a/b", "./" becomes "" (the root). An Error for what leads elsewhere: a leading
// '/', a part "..", and names beyond limits::path_bytes_max, path_part_bytes_max and
// path_depth_max.
[[nodiscard]] Result<std::string> safe_entry_path(std::string_view name);

}  // namespace murder::archive
