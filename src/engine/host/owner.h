// Whom files are to belong to, as options say it.
#pragma once

#include <string>

#include "engine/archive/tree_writer.h"
#include "engine/base/result.h"

namespace murder::host {

// "USER", "USER:GROUP", "USER:" (the group that USER logs in with) or ":GROUP", each a name or a
// number, as chown takes them.
[[nodiscard]] Result<archive::Owner> parse_owner(const std::string& text);

}  // namespace murder::host
