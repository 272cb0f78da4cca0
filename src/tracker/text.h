// Text from outside made fit for a page, a JSON value or a label.
#pragma once

#include <string>
#include <string_view>

namespace murder::tracker {

// A name as a peer sent it, made fit to be shown, also on a terminal: cut to `bytes_max`, with '?'
// for each control character (C0, DEL, C1), for each that changes the direction or the line of what
// stands behind it, and for each byte beyond ASCII if it is not UTF-8 as a whole.
[[nodiscard]] std::string presentable_name(std::string_view name, size_t bytes_max);

// The two below take presentable text.
void append_html_escaped(std::string& out, std::string_view text);
void append_json_escaped(std::string& out, std::string_view text);  // without the quotes around

}  // namespace murder::tracker
