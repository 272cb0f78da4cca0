// For a command whose output is a channel between processes.
#pragma once

namespace murder::cli {

// Standard output is the caller's from now on, and what is printed goes to standard error. -1: it
// cannot be taken, see errno.
[[nodiscard]] int take_standard_output() noexcept;

}  // namespace murder::cli
