// The one way by which this program prints. Whatever stands behind standard output and standard
// error (a terminal that is gone, a full disk, a pipe that nobody reads, nothing at all), printing
// neither throws nor ends the process, and where work is under way it does not hold it up for long.
#pragma once

#include <optional>
#include <string_view>

#include "engine/base/instant.h"

namespace murder::cli {

// How long a process that has other work waits for a reader of its result.
inline constexpr Duration result_wait_max = std::chrono::seconds(5);

// The result, on standard output. Without `wait_max` it waits for the reader as long as it takes,
// or until a signal was handled meanwhile. Returns 0 or the errno of the write that failed; EAGAIN:
// nobody read it.
[[nodiscard]] int print_result(std::string_view bytes,
                               std::optional<Duration> wait_max = std::nullopt) noexcept;

// News for people, on standard error. When nobody reads, it is dropped after a second, and so is at
// once what follows until somebody does.
void print_message(std::string_view bytes) noexcept;

// Whether somebody sits at all three standard streams, who can be asked and sees the answer.
[[nodiscard]] bool is_on_terminal() noexcept;

// Opens what stands in for a standard descriptor that is closed, at the lowest number that is free:
// /dev/null, and where that is missing an end that can be neither read nor written.
[[nodiscard]] int open_nothing(int flags) noexcept;

// For the start of main: a standard descriptor that is closed would be taken by the next file or
// socket that is opened, and lines would go there. What stands in for it cannot be read or written
// either, as a closed one.
void hold_closed_descriptors() noexcept;

}  // namespace murder::cli
