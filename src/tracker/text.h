// Text from outside made fit to be shown.
#pragma once

#include <string>
#include <string_view>

namespace murder::tracker {

// A name as a peer sent it, made fit to be shown, also on a terminal: cut to `bytes_max`, with '?'
// for each control character (C0, DEL, C1), for each that changes the direction or the line of what
// stands behind it, and for each byte beyond ASCII if it is not UTF-8 as a whole.
[[nodiscard]] std::string presentable_name(std::string_view name, size_t bytes_max);

}  // namespace murder::tracker
