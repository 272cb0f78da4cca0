// Where the file of this program is.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace murder::host {

// The file that this process was started from, or, where another has taken its place since (an
// upgrade, or the same program sent again), that one: whoever is started by it runs what is there.
[[nodiscard]] Result<std::string> own_program_path();

// What /proc/self/exe says, without the mark of a file that was replaced. Pure.
[[nodiscard]] std::string without_deleted_mark(std::string path);

}  // namespace murder::host
