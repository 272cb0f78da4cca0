// A small file and something behind it, as one file in memory: what one command reads after the
// other from its standard input.
#pragma once

#include <string_view>

#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

// Nothing of it is on a disk. `fd` is read from its start.
[[nodiscard]] Result<io::Fd> file_with_more_behind(int fd, std::string_view more);

}  // namespace murder::fleet
