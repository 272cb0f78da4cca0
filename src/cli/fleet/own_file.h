// Files of this machine that decide what is run or rolled out: only ours count. As ssh does with
// its own, what another user owns or can write is refused, with a text that says what to do.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

// A file of a directory that others may write to as well, such as /tmp: it must be a file of ours
// under its own name, since any other may have been put there. Errors: not_found: there is none.
[[nodiscard]] Result<io::Fd> open_own_file(const std::string& path);

// The same for writing: the file gets its name when it is whole, and nothing that was put there is
// written to. Only this user can read it.
[[nodiscard]] Status write_own_file(const std::string& path, std::string_view bytes);

// The file `name` of the working directory, which must be as trusted as the file is. Owner is this
// user or root; others may not write (the group that is the user's alone may, as Debian's ssh has
// it). Errors: not_found: there is none.
[[nodiscard]] Result<io::Fd> open_trusted_file(const std::string& name);

// For a function that takes a path.
[[nodiscard]] std::string path_of(const io::Fd& fd);

}  // namespace murder::fleet
