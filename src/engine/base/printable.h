// Names and texts of others (a torrent, a peer, a tracker, a host) as they may be printed: what
// would steer a terminal, break a line or reverse the order of what is read is shown as an escape.
//
// Escaped are C0 controls, DEL, C1 controls, line and paragraph separators, the marks that change
// the direction of text, and bytes that are not UTF-8: "\n", "\t", "\x1b", "\u202e", "\xff". In
// JSON text they are escapes of JSON.
#pragma once

#include <string>
#include <string_view>

namespace murder {

// One value: newlines, tabs and backslashes are escaped as well, so that it fits into a line and
// can be told from any other value.
[[nodiscard]] std::string printable_value(std::string_view text);

// Lines that the program made of such values and its own words: newlines and tabs stay.
[[nodiscard]] std::string printable_lines(std::string_view text);

}  // namespace murder
