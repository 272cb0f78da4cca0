// Text as the language of manual pages (mdoc, as man and mandoc read it) has it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace murder::cli {

// Paragraphs for filled text: every sentence begins a line, lines have at most 78 columns, and
// nothing in the text is taken for a request. `Words in backquotes` and --options are shown as what
// is typed. Between paragraphs (a blank line) there is ".Pp"; one in which every line is indented
// by two spaces is shown as it is. Ends in a newline.
[[nodiscard]] std::string roff_text(std::string_view text);

// The same on one line, without its end: for a macro that takes the rest of its line.
[[nodiscard]] std::string roff_line(std::string_view text);

// Lines that are shown as they are, in a separate display.
[[nodiscard]] std::string roff_literal(std::string_view lines);

// One argument of a macro: quoted where it must be, never taken for a macro.
[[nodiscard]] std::string roff_argument(std::string_view word);

}  // namespace murder::cli
